"""The hosted pages: choose a provider, e-mail first, consent, signed out. No JavaScript, one question a screen."""

from broker.faces.pages.blueprint import blueprint

__all__ = ["blueprint"]
