"""What people and programs see. Faces never import one another; what they share is in `broker.web`."""
