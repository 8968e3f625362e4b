"""One upstream in, one verified identity out. No Flask, no database."""
