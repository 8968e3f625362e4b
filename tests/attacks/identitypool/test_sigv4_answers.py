"""IP-S4.8 to S4.10, and S4.12 as far as the verifier goes: presigned URLs, and what an answer or a refusal gives away.

S4.7 and S4.11, and the stored half of S4.12, belong to whoever issues the credentials.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from types import FrameType

import pytest

from broker.api_errors import ApiError, ExpiredIdentityToken, IncompleteSignature, SignatureExpired, SignatureMismatch
from broker.sigv4 import ClientKeys, SignedRequest, SigningSecret
from tests.attacks.identitypool.signed import DEFAULT, NOW, PLAIN, Change, accepts, presigned, refuses, signed
from tests.fakes.sigv4 import ANYTHING, KEY_ID, SECRET, TOKEN, adding, check, header, with_header


@pytest.mark.parametrize("expires", [0, -1, 604_801, 10**11])
def test_s4_8_a_presigned_url_lives_a_second_to_a_week(expires: int) -> None:
    refuses(presigned(expires=expires), IncompleteSignature, "X-Amz-Expires", ANYTHING)
    accepts(presigned(expires=604_800), ANYTHING)


@pytest.mark.parametrize("text", ["60.5", "", "+60", "6e1", "٦٠", "0x3c", "60 "])
def test_s4_8_and_its_life_is_a_number(text: str) -> None:
    request = presigned()
    refuses(replace(request, query_raw=request.query_raw.replace("Expires=60", f"Expires={text}")), IncompleteSignature, policy=ANYTHING)


def test_s4_8_then_it_is_over() -> None:
    request = presigned(expires=600)
    assert check(request, ANYTHING, NOW + timedelta(seconds=600)).expires_at == NOW + timedelta(seconds=600)
    refuses(request, SignatureExpired, "Signature expired: 20250301T121000Z", ANYTHING, now=NOW + timedelta(seconds=601))
    refuses(request, SignatureExpired, "not yet current", ANYTHING, now=NOW - timedelta(seconds=301))


def test_s4_8_it_is_refused_unless_asked_for() -> None:
    refuses(presigned(), IncompleteSignature)
    short = replace(ANYTHING, max_expires=59)
    refuses(presigned(), IncompleteSignature, "between 1 and 59 seconds", short)
    accepts(presigned(expires=59), short)


PRESIGNED: dict[str, Change] = {
    "header and query": lambda r: adding(r, ("Authorization", header(signed(), "Authorization")), ("X-Amz-Date", "20250301T120000Z")),
    "another scheme as well": lambda r: adding(r, ("Authorization", "Bearer abc")),
    "no signature": lambda r: replace(r, query_raw=r.query_raw.rpartition("&")[0]),
    "two signatures": lambda r: replace(r, query_raw=r.query_raw + "&X-Amz-Signature=" + "0" * 64),
    "a name in other letters": lambda r: replace(r, query_raw=r.query_raw + "&x-amz-expires=604800"),
    "a token in a header": lambda r: adding(r, ("X-Amz-Security-Token", TOKEN)),
    "another date in a header": lambda r: adding(r, ("X-Amz-Date", "20250301T120001Z")),
    "another hash in a header": lambda r: replace(
        adding(r, ("X-Amz-Content-Sha256", "0" * 64)), query_raw=r.query_raw + "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"
    ),
    "another algorithm": lambda r: replace(r, query_raw=r.query_raw.replace("SHA256", "SHA1")),
    "no life": lambda r: replace(r, query_raw=r.query_raw.replace("X-Amz-Expires=60&", "")),
}


@pytest.mark.parametrize("name", PRESIGNED)
def test_s4_8_presigned_and_ambiguous(name: str) -> None:
    refuses(PRESIGNED[name](presigned()), IncompleteSignature, policy=ANYTHING)
    accepts(presigned(), ANYTHING)


def test_s4_8_a_header_signature_with_the_query_form_beside_it() -> None:
    request = replace(signed(), query_raw="X-Amz-Security-Token=abc")
    refuses(request, IncompleteSignature, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")


def hmacs(request: SignedRequest, **other: object) -> tuple[ApiError, int, int]:
    """The refusal, how many HMACs were made for it, and how many comparisons."""
    counted: list[str] = []

    def count(_: FrameType, event: str, called: object) -> None:
        if event == "c_call":
            counted.append(getattr(called, "__name__", ""))

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        error = refuses(request, SignatureMismatch, **other)  # type: ignore[arg-type]
    finally:
        sys.setprofile(before)
    return error, counted.count("hmac_digest"), counted.count("compare_digest")


def test_s4_9_unknown_key_and_wrong_signature_are_one_error_at_one_price() -> None:
    """Work is counted, not timed: the derived key of a known key id may be remembered, which must not show in a refusal."""
    fresh = ClientKeys("AKIDNEVERSEEN", SECRET)
    known = {"secret_of": lambda key, _: SigningSecret(SECRET) if key in {KEY_ID, "AKIDNEVERSEEN"} else None}
    accepts(signed())
    cases = {
        "unknown": signed(keys=ClientKeys("AKIDSTRANGER", SECRET)),
        "known and remembered": signed(keys=ClientKeys(KEY_ID, "wrong")),
        "known and new": signed(keys=replace(fresh, secret="wrong")),
    }
    found = {name: hmacs(request, **known) for name, request in cases.items()}
    assert {(error.public, error.code) for error, *_ in found.values()} == {(SignatureMismatch.public, "signature_mismatch")}
    assert {(made, compared) for _, made, compared in found.values()} == {(6, 2)}
    assert "no such access key" in found["unknown"][0].private
    assert "no such access key" not in found["known and new"][0].private


def test_s4_9_a_replaced_secret_ends_the_old_one_at_once() -> None:
    accepts(signed())
    refuses(signed(), SignatureMismatch, secret_of=lambda *_: SigningSecret("another"))
    accepts(signed())


def test_s4_9_the_end_of_a_session_is_told_only_to_who_holds_its_secret() -> None:
    ended = {"secret_of": lambda *_: SigningSecret(SECRET, expires_at=NOW)}
    refuses(signed(), ExpiredIdentityToken, "The security token included in the request is expired", **ended)
    refuses(signed(keys=ClientKeys(KEY_ID, "wrong")), SignatureMismatch, **ended)
    lives = check(signed(), DEFAULT, NOW, secret_of=lambda *_: SigningSecret(SECRET, expires_at=NOW + timedelta(seconds=1)))
    assert lives.access_key_id == KEY_ID


def test_s4_10_a_call_has_a_key_to_burn_for_as_long_as_it_verifies() -> None:
    """The verifier remembers nothing; who must not act twice burns this key until then."""
    key, until = check(signed(), DEFAULT, NOW).burn
    assert (key, until) == check(signed(), DEFAULT, NOW + timedelta(seconds=9)).burn
    assert len(key) == 64
    refuses(signed(), SignatureExpired, now=until + timedelta(seconds=1))
    assert check(presigned(expires=900), ANYTHING, NOW).burn[1] == NOW + timedelta(seconds=900)
    assert check(signed(replace(PLAIN, body=b"[]")), DEFAULT, NOW).burn[0] != key


def test_s4_12_no_secret_or_token_in_any_refusal_or_answer() -> None:
    keys = ClientKeys(KEY_ID, SECRET, TOKEN)
    request = adding(PLAIN, ("Cookie", "session=canary"), ("X-Own", "canary"))
    wrong = [
        replace(signed(request, keys=keys), body=b"x"),
        with_header(signed(request, keys=keys), "Host", lambda value: value + "x"),
        adding(signed(keys=keys), ("x-amz-security-token", TOKEN)),
        replace(presigned("Password=canary", keys=keys), method="PUT"),
    ]
    for each in wrong:
        with pytest.raises(ApiError) as caught:
            check(each, ANYTHING, NOW)
        said = f"{caught.value.public} {caught.value.private} {caught.value!r}"
        assert not [
            secret
            for secret in (SECRET, TOKEN, TOKEN.replace("/", "%2F"), "canary", header(each, "Authorization")[-64:])
            if secret and secret in said
        ]
    assert SECRET not in repr(SigningSecret(SECRET)) + repr(check(signed(keys=keys), ANYTHING, NOW)) + repr(signed(keys=keys))


def test_s4_12_the_log_has_both_sides_to_compare() -> None:
    refusal = refuses(with_header(signed(), "Host", lambda _: "other.example"), SignatureMismatch)
    assert "host:other.example" in refusal.private
    assert "x-amz-target:Service.Op" in refusal.private
    assert "other.example" not in refusal.public
