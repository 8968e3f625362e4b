"""What is wrong with one element of a policy, before the statement that holds it is known."""

from __future__ import annotations

import json


class Fault(ValueError):
    """`element` is a path such as `Condition.StringEquals`; the words say what is wrong and what to do."""

    def __init__(self, element: str, words: str) -> None:
        self.element = element
        self.words = words
        super().__init__(f"{element}: {words}")


def shown(value: object, most: int = 120) -> str:
    """A value in the words of an error or an explanation: in quotes, ASCII, so that look-alikes and control characters show, and short."""
    text = json.dumps(value) if isinstance(value, str) else str(value)
    return text if len(text) <= most else f"{text[: most - 4]}...{text[0] if text[0] == chr(34) else ''}"
