"""What each service offers: one literal table a service."""
