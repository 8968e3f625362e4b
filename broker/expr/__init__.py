"""Small languages that an operator may write in the configuration. Templates fill in names and can do nothing else."""
