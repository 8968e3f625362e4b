"""The peers: how they are installed (install.sh), configured and driven. They run in environments of their own, outside the repository."""
