"""Find the operator's function by its name and call it, for a bounded time.

A plugin is Python in our own process: it can do whatever the broker can, so it is the operator's to trust. The time limit bounds the
sign-in that waits, not the function: Python cannot stop a thread. A hook that hangs keeps its thread, and once too many hang, hooks fail
at once.
"""

from __future__ import annotations

import contextvars
import functools
import importlib
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from broker.errors import ConfigError, HookRefused

GROUP = "crossgate.hooks"
SECONDS = 5.0
"""How long a sign-in waits for a hook (spec C.9)."""
_MOST_WORDS = 200
_at_once = threading.BoundedSemaphore(64)

Hook = Callable[[dict[str, Any]], object]


def load(reference: str) -> Hook:
    """The function that a reference names: an entry point of the group `crossgate.hooks`, or `package.module:function`.

    Raises ConfigError if there is none.
    """
    return _load(reference)


@functools.lru_cache(maxsize=256)
def _load(reference: str) -> Hook:
    try:
        if ":" in reference:
            module, _, name = reference.partition(":")
            found: object = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        else:
            found = next(iter(entry_points(group=GROUP, name=reference))).load()
    except (ImportError, AttributeError, ValueError, StopIteration):
        raise ConfigError(f"hook {reference!r}: no such entry point in {GROUP} and no such package.module:function") from None
    except Exception as error:  # a module runs when it is imported, and may raise anything
        raise ConfigError(f"hook {reference!r}: its module cannot be imported: {type(error).__name__}") from error
    if not callable(found):
        raise ConfigError(f"hook {reference!r} is not a function")
    return found


def call(trigger: str, hook: Hook, event: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
    """Call a hook with an event and return its `response`. `trigger` is the name that refusals carry, such as PreTokenGeneration.

    Raises HookRefused: with the hook's own words when it raised (`PreTokenGeneration failed with error TEXT.`), and in ours when it
    was too slow or returned something that is no event.
    """
    answer = _bounded(trigger, hook, event, seconds)
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise unrecognisable(trigger, "the hook did not return an event with a response")
    return response


def unrecognisable(trigger: str, why: str) -> HookRefused:
    """A hook's answer that makes no sense: Cognito's InvalidLambdaResponseException, in its words."""
    return HookRefused(f"{trigger}: {why}", public="Unrecognizable lambda output", code="hook_response_invalid")


def _bounded(trigger: str, hook: Hook, event: dict[str, Any], seconds: float) -> object:
    if not _at_once.acquire(blocking=False):
        raise HookRefused(f"{trigger}: too many hooks are running or hanging", public=f"{trigger} failed with error timed out.")
    answers: list[object] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(hook(event))
        except BaseException as error:  # even SystemExit of a hook is only its refusal
            errors.append(error)
        finally:
            _at_once.release()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name=f"hook {trigger}", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise HookRefused(f"{trigger}: {errors[0]!r}", public=f"{trigger} failed with error {_words(errors[0])}.")
    if not answers:
        raise HookRefused(f"{trigger}: no answer within {seconds:g} s", public=f"{trigger} failed with error timed out.")
    return answers[0]


def _words(error: BaseException) -> str:
    """The hook's own words, for the user to see, as Cognito does; printable, and short."""
    return "".join(char for char in str(error) if char.isprintable())[:_MOST_WORDS].rstrip(".") or type(error).__name__
