"""A Flask request as an adapter sees it: pairs, and our own address from configuration."""

from __future__ import annotations

from flask import request

from broker.web import params
from broker.web.context import base_url
from broker.web.send import BOUNCED
from providers.base import Inbound

MAX_HANDLE = 2048


def from_query(query: params.Params) -> Inbound:
    """A GET. The query's octets go along as sent, for signatures over them (SAML bindings 3.4.4.1)."""
    return Inbound("GET", base_url() + request.path, query=query.pairs, raw_query=query.raw)


def from_form(form: params.Params) -> Inbound:
    """A POST, without the mark of our own bounce."""
    return Inbound("POST", base_url() + request.path, query=params.query().pairs, form=form.without(BOUNCED))
