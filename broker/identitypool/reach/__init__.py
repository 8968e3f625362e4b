"""The reverse of a role decision: everything that can lead to a role, over all pools. Pure over records.

What cannot be known before somebody signs in (his claims, his groups, his address) counts as possible, and stands in the path as a
condition. So the answer may name a way that nobody ever goes, and never leaves one out.
"""
