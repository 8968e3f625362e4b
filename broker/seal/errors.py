"""What can go wrong with a seal."""

from __future__ import annotations


class SealBroken(Exception):
    """The bytes, the key or the context are not the right ones. Which of them it was is not told: AES-GCM cannot know."""
