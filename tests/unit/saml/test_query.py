"""The Redirect binding: signatures over the octets as sent, and bounded inflating."""

from __future__ import annotations

import contextlib
import urllib.parse
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.errors import DocumentInvalid
from metadata.saml import names
from metadata.saml.query import deflate, inflate, read_query
from tests.fakes.saml_keys import key
from tests.fakes.saml_logout import Redirect, join, redirected
from tests.fakes.saml_sign import rsa_signer

XML = "<samlp:LogoutRequest/>"
PINNED = [key("unit-idp").certificate_pem]


def test_a_signed_query_is_read() -> None:
    message = read_query(redirected("SAMLRequest", XML, key("unit-idp"), "relay&1"), PINNED)
    assert (message.parameter, message.xml, message.relay_state, message.signed) == ("SAMLRequest", XML.encode(), "relay&1", True)


def test_an_unsigned_query_says_so() -> None:
    assert not read_query(redirected("SAMLRequest", XML, None), PINNED).signed


def code_of(query: str) -> str:
    with pytest.raises(DocumentInvalid) as caught:
        read_query(query, PINNED)
    return caught.value.code


def test_the_signature_is_over_the_raw_octets() -> None:
    """The same values in another encoding were not signed (H10)."""
    query = redirected("SAMLRequest", XML, key("unit-idp"), "a/b")
    assert "%2F" in query
    assert code_of(query.replace("%2F", "%2f")) == "signature_wrong"
    assert code_of(query.replace("RelayState=a%2Fb", "RelayState=a%2Fc")) == "signature_wrong"
    assert code_of(query.replace("RelayState=a%2Fb&", "")) == "signature_wrong"


def test_the_order_of_arrival_does_not_matter() -> None:
    parts = Redirect("SAMLRequest", XML.encode(), rsa_signer(key("unit-idp"))).parts()
    assert read_query(join([("x", "y"), *reversed(parts)]), PINNED).signed


@pytest.mark.parametrize("name", ["SAMLRequest", "RelayState", "SigAlg", "Signature", "SAMLResponse"])
def test_doubled_parameters_are_refused(name: str) -> None:
    query = redirected("SAMLRequest", XML, key("unit-idp"))
    assert code_of(f"{query}&{name}=x") in ("query_parameter_doubled", "query_message")


def test_a_name_in_disguise_is_refused() -> None:
    query = redirected("SAMLRequest", XML, key("unit-idp"))
    assert code_of(query.replace("RelayState=", "Relay%53tate=")) == "query_parameter_doubled"


@pytest.mark.parametrize("algorithm", [names.RSA_SHA1, names.DS + "hmac-sha1", "", "none"])
def test_algorithms_that_are_not_on_the_list(algorithm: str) -> None:
    query = Redirect("SAMLRequest", XML.encode(), rsa_signer(key("unit-idp")), algorithm=algorithm).query()
    assert code_of(query) == "signature_algorithm"


def test_a_signature_without_algorithm_and_the_reverse() -> None:
    query = redirected("SAMLRequest", XML, key("unit-idp"))
    without = "&".join(part for part in query.split("&") if not part.startswith("SigAlg="))
    assert code_of(without) == "signature_algorithm"
    unsigned = "&".join(part for part in query.split("&") if not part.startswith("Signature="))
    assert code_of(unsigned) == "signature_wrong"


def test_a_bomb_is_stopped_early() -> None:
    packed = zlib.compress(b"A" * 50_000_000, 9)[2:-4]
    with pytest.raises(DocumentInvalid) as caught:
        inflate(packed, 100_000)
    assert caught.value.code == "deflate_too_large"


@pytest.mark.parametrize("junk", [b"", b"x", zlib.compress(b"abc"), zlib.compress(b"abc")[2:-4] + b"x"])
def test_what_does_not_inflate(junk: bytes) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        inflate(junk, 1000)
    assert caught.value.code == "deflate_malformed"


@given(st.binary(max_size=500))
def test_deflate_and_back(data: bytes) -> None:
    query = "SAMLRequest=" + urllib.parse.quote(deflate(data), safe="")
    assert read_query(query, PINNED, max_bytes=1000).xml == data


@given(st.text(max_size=200))
def test_no_query_makes_it_crash(query: str) -> None:
    with contextlib.suppress(DocumentInvalid):
        assert not read_query(query, PINNED).signed
