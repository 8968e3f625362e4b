"""The schema's history. `versions/NNNN_title.py` are Alembic revisions, named by their number; none is changed once released."""
