"""The settings of a provider, and what is wrong with them in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from providers.errors import ProviderMisconfigured
from providers.saml.options import read_options
from providers.saml.provider import SamlProvider
from tests.fakes.saml_keys import key
from tests.unit.saml.stage import ACS, ENTITY, Clock, Stage, idp, make_spec, pair, toolbox

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"metdata": "x"}, "metdata"),
    "policy": ({"signature_policy": "none"}, "signature_policy"),
    "skew": ({"clock_skew_seconds": 301}, "clock_skew_seconds"),
    "binding": ({"request_binding": "soap"}, "request_binding"),
    "accept alone": ({"authn_context_accept": "urn:x"}, "authn_context"),
    "better alone": ({"authn_context": "urn:x", "authn_context_comparison": "better"}, "authn_context_accept"),
    "exact and accept": ({"authn_context": "urn:x", "authn_context_accept": "urn:y"}, "exact"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_option_is_named(name: str) -> None:
    options, word = WRONG[name]
    with pytest.raises(ProviderMisconfigured) as caught:
        read_options(make_spec(options))
    assert caught.value.reason == "options_invalid"
    assert word in caught.value.private
    assert word not in caught.value.public


def test_the_defaults_are_strict() -> None:
    options = read_options(make_spec())
    assert options.sign_requests
    assert not options.idp_initiated
    assert not options.allow_sha1
    assert options.signature_policy == "either"
    assert options.clock_skew_seconds == 60


LACKING: dict[str, tuple[dict[str, Any], str]] = {
    "signing key": ({"signing_key": None}, "signing_key_missing"),
    "entity id": ({"entity_id": ""}, "options_invalid"),
    "callback": ({"callback_urls": ()}, "options_invalid"),
    "another's name": ({"entity_id": idp().entity_id}, "idp_is_ourselves"),
    "another's address": ({"callback_urls": (idp().sso_url,)}, "idp_is_ourselves"),
    "a key that decrypts": ({"decryption_keys": (pair(key("unit-ec256", "ec256")),)}, "decryption_key_invalid"),
}


@pytest.mark.parametrize("name", LACKING)
def test_what_the_pool_lacks_is_told(name: str) -> None:
    changes, reason = LACKING[name]
    with pytest.raises(ProviderMisconfigured) as caught:
        SamlProvider.from_spec(make_spec(**changes), toolbox(Clock()))
    assert caught.value.reason == reason


def test_encryption_demanded_without_a_key() -> None:
    with pytest.raises(ProviderMisconfigured) as caught:
        read_options(make_spec({"want_encrypted": True}, decryption_keys=()))
    assert caught.value.reason == "decryption_key_missing"


def test_metadata_that_cannot_be_read_says_what_to_do() -> None:
    with pytest.raises(ProviderMisconfigured) as caught:
        SamlProvider.from_spec(make_spec({"metadata": "<html>"}), toolbox(Clock()))
    assert caught.value.reason == "html_given"
    assert "Download" in caught.value.private


def test_the_metadata_may_be_called_a_file() -> None:
    spec = make_spec()
    options = {"metadata_file": spec.options["metadata"]}
    assert SamlProvider.from_spec(replace(spec, options=options), toolbox(Clock())).entity.entity_id == idp().entity_id


def test_sha1_is_warned_of() -> None:
    assert "SHA-1" in Stage({"allow_sha1": True}).provider.warnings[-1]
    assert Stage().provider.warnings == ()
    assert Stage().provider.spec.entity_id == ENTITY
    assert Stage().asked.acs == ACS
