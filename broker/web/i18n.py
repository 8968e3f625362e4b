"""Languages of the pages. A catalogue is a .po file in `locales/`; adding one adds the language.

The words in the code are English and are the keys. A catalogue is read once a process, so no compiled file can be stale.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from flask import Response, g, has_request_context, request

from broker.errors import BrokerError
from broker.web import cookies

LOCALES = Path(__file__).parent / "locales"
DEFAULT = "en"
TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
ONE_YEAR = 365 * 86400


@cache
def languages() -> tuple[str, ...]:
    """Every language that the pages speak, English first."""
    return (DEFAULT, *sorted(path.stem for path in LOCALES.glob("*.po")))


@cache
def catalogue(language: str) -> NullTranslations:
    """The translations of one language; English, and any that we do not have, speak for themselves."""
    path = LOCALES / f"{language}.po"
    if language not in languages() or not path.exists():
        return NullTranslations()
    # Imported here: an English-only process never needs it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def match(wishes: str | None) -> str | None:
    """The first language of ours among space-separated tags (`ui_locales`, OpenID Connect Core 3.1.2.1); `de-AT` takes `de`."""
    for tag in (wishes or "")[:256].split():
        if TAG.fullmatch(tag):
            for candidate in (tag, tag.partition("-")[0]):
                found = next((ours for ours in languages() if ours.lower() == candidate.lower()), None)
                if found:
                    return found
    return None


def choose(wishes: str | None = None) -> str:
    """Settle this request's language: the app's wish, then the cookie of an earlier one, then what the browser accepts."""
    chosen = match(wishes) or match(_remembered()) or request.accept_languages.best_match(languages(), DEFAULT) or DEFAULT
    g.language = chosen
    return chosen


def language() -> str:
    """This request's language."""
    if not has_request_context():
        return DEFAULT
    return str(g.get("language") or choose())


def remember(response: Response, wishes: str | None) -> None:
    """Keep a language that an app asked for (`lang`), so that later pages speak it too."""
    found = match(wishes)
    if found:
        cookies.write(response, cookies.LANGUAGE, found, max_age=ONE_YEAR)


def gettext(message: str, **values: object) -> str:
    """A message in this request's language, with `%(name)s` filled in."""
    translated = catalogue(language()).gettext(message)
    return translated % values if values else translated


def ngettext(singular: str, plural: str, n: int) -> str:
    """As `gettext`, by number."""
    return catalogue(language()).ngettext(singular, plural, n)


def _remembered() -> str | None:
    try:
        return cookies.read(cookies.LANGUAGE)
    except BrokerError:
        return None  # a doubled language cookie harms nobody
