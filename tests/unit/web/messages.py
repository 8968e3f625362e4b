"""Every message of the pages, collected from where it stands."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract_from_dir

from broker import errors

BROKER = Path(errors.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def from_code() -> set[str]:
    """The messages of templates and Python code in web and pages."""
    found: set[str] = set()
    for folder, method in ((BROKER / "faces" / "templates", "jinja2"), (BROKER / "web", "python"), (BROKER / "faces" / "pages", "python")):
        pattern = "**.html" if method == "jinja2" else "**.py"
        options = {pattern: {"newstyle_gettext": "true", "trimmed": "true"}}
        for _, _, message, _, _ in extract_from_dir(folder, [(pattern, method)], options, KEYWORDS):
            found.update([message] if isinstance(message, str) else message)
    return found


def error_classes() -> list[type[errors.BrokerError]]:
    """Every class of refusal."""
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.BrokerError)]


def from_errors() -> set[str]:
    """The public words of every refusal."""
    return {kind.public for kind in error_classes()}
