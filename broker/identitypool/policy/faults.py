"""What is wrong with one element of a policy, before the statement that holds it is known."""

from __future__ import annotations

import json

_LONGEST = 120


class Fault(ValueError):
    """`element` is a path such as `Condition.StringEquals`; the words say what is wrong and what to do."""

    def __init__(self, element: str, words: str) -> None:
        # The element's name may be the author's own: it must fit a line of the log.
        self.element = element if element.isprintable() and len(element) <= _LONGEST else shown(element)
        self.words = words
        super().__init__(f"{self.element}: {words}")


def shown(value: object, most: int = _LONGEST) -> str:
    """A value in the words of an error or an explanation: in quotes, ASCII, so that look-alikes and control characters show, and short."""
    text = json.dumps(value) if isinstance(value, str) else str(value)
    return text if len(text) <= most else f"{text[: most - 4]}...{text[0] if text[0] == chr(34) else ''}"
