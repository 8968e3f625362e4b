"""The two protocols: how a call is read and an answer is written."""
