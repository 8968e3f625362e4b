"""The peers: their installation (install.sh), configurations and drivers. Each runs in an environment of its own, outside the repository."""
