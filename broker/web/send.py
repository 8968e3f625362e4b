"""Sending the browser away: to an upstream, back to an app, or once more to ourselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit

from flask import Response, request
from werkzeug.urls import iri_to_uri

from broker.web.lean import PlainAnswer
from broker.web.params import Params
from broker.web.render import page
from providers.base import LoginStart

# The mark of a form that we asked to be sent again. It is ours alone and goes no further.
BOUNCED = "crossgate_bounced"
# The characters of RFC 3986.
URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")


def send(start: LoginStart, name: str = "", *, from_form: bool = False) -> Response:
    """Send the browser where a provider wants it: a redirect, or a form that posts itself and has a button besides.

    `name` is what people call the place. `from_form` says that this answers a form on a page of ours (see `onward`).
    """
    if start.method == "form_post":
        return post(start.url, start.fields.items(), name)
    url = with_query(start.url, start.fields.items())
    return onward(url, name) if from_form else leave(url)


def leave(url: str) -> Response:
    """Send the browser to another site, by 303 and never 307 (row OA-P1.24). `url` is trusted by whoever calls this."""
    return _see_other(url)


def onward(url: str, name: str = "") -> Response:
    """Send the browser to another site in answer to a form of ours: a small page that goes on by itself and has a link besides.

    A redirect here would be held against the `form-action` of the page that had the form, at every hop that follows.
    """
    response = page("onward.html", url=iri_to_uri(url), name=name or urlsplit(url).netloc)
    response.headers["Refresh"] = f"0; url={iri_to_uri(url)}"
    return response


def to_page(path: str, **query: str) -> Response:
    """Go on to a page of our own, by 303."""
    return _see_other(path + ("?" + urlencode(query) if query else ""))


def post(url: str, fields: Iterable[tuple[str, str]], name: str = "") -> Response:
    """A page whose form posts itself to `url`. Without JavaScript there is its button."""
    return page("post.html", script=True, forms_anywhere=True, url=url, fields=list(fields), name=name or urlsplit(url).netloc, again=False)


def was_bounced(form: Params) -> bool:
    """Whether this form came by way of `bounce`."""
    return BOUNCED in form


def bounce(form: Params) -> Response:
    """Ask the browser to post this form again, from our own page.

    A POST from another site carries no SameSite=Lax cookie: that is so on plain http, and whenever a browser treats SameSite=None
    as third-party. Sent again from here it does. Once only: ask `was_bounced` first. Nothing is decided before it comes back.
    """
    fields = (*form.without(BOUNCED), (BOUNCED, "1"))
    return page("post.html", script=True, forms_anywhere=True, url=request.script_root + request.path, fields=fields, name="", again=True)


def with_query(url: str, fields: Iterable[tuple[str, str]]) -> str:
    """Append parameters to a URL that may have some."""
    extra = urlencode(list(fields))
    if not extra:
        return url
    base, hash_mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{extra}{hash_mark}{fragment}"


def _ascii(url: str) -> str:
    """A URL as a header carries it. Nearly all are URIs already, and taking one apart to see that costs more than looking."""
    return url if URI.fullmatch(url) else iri_to_uri(url)


def _see_other(url: str) -> Response:
    # The body has no copy of the URL, code and all, as a framework's own redirect would; nobody reads it.
    return PlainAnswer("Continue\n", 303, {"Location": _ascii(url)}, content_type="text/plain; charset=utf-8")
