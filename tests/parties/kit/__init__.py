"""What the party tests share: the parties, a broker to try them on, and a browser without JavaScript."""
