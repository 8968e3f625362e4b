"""SAML-E25 to E27, E29 to E32 and E36 to E45: what an assertion states, and by whom it is stated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from providers.base import LoginAsk
from providers.errors import ProviderError, UpstreamRefused
from tests.attacks.saml.edits import AUTHN, CONFIRMATION, INNER, RESPONSE, SCD, Edit, add, drop, put, said, signed, swap, words
from tests.attacks.saml.oracle import ALL, Case, Outcome, check, honest, outcome_of, over, refused, rows, said_values, unchanged
from tests.attacks.saml.ring import ACS, HANDLE, NOW, Ring, Scene, idp_b, inbound, ring
from tests.attacks.saml.tearing import assertion_of, insert_after
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import Answer, Attribute, read_request, stamp

DAY = timedelta(days=1)
METHOD = "urn:oasis:names:tc:SAML:2.0:cm:"
ISSUERS = ("./saml:Issuer", "./saml:Assertion/saml:Issuer")


def at(path: str, name: str, moment: timedelta) -> Edit:
    return put(path, name, stamp(NOW + moment))


def second_confirmation(bad: str, first: bool) -> Callable[[Scene], bytes]:
    """Two SubjectConfirmations, one of which is wrong."""

    def edit(root: etree._Element) -> None:
        good = n.find(root, CONFIRMATION)
        other = n.parse(n.serialize(good))
        data = n.find(other, "saml:SubjectConfirmationData")
        if bad == "recipient":
            data.set("Recipient", "https://evil.example/")
        elif bad == "time":
            data.set("NotOnOrAfter", stamp(NOW - DAY))
        elif bad == "method":
            other.set("Method", METHOD + "sender-vouches")
        else:
            data.set("NotOnOrAfter", "tomorrow")
        parent = good.getparent()
        parent.insert(parent.index(good) + (0 if first else 1), other)

    return signed(edit)


def both_confirmations_wrong(scene: Scene) -> bytes:
    def edit(root: etree._Element) -> None:
        good = n.find(root, CONFIRMATION)
        good.find(n.q("saml:SubjectConfirmationData")).set("Recipient", "https://evil.example/")
        insert_after(good, n.parse(n.serialize(good)))

    return scene.signed(edit)


MOMENTS = [
    Case("E25", "past", signed(at(AUTHN, "SessionNotOnOrAfter", -DAY)), ALL),
    Case("E26", "response old", signed(at(RESPONSE, "IssueInstant", -DAY))),
    Case("E26", "response of the future", signed(at(RESPONSE, "IssueInstant", timedelta(minutes=30)))),
    Case("E26", "assertion old", signed(at(INNER, "IssueInstant", -DAY)), ALL),
    Case("E26", "assertion of 2001", signed(put(INNER, "IssueInstant", "2001-01-01T00:00:00Z"))),
    Case("E26", "assertion of the future", signed(at(INNER, "IssueInstant", timedelta(minutes=30)))),
    Case("E26", "assertion missing", signed(put(INNER, "IssueInstant", None))),
    Case("E26", "response missing", signed(put(RESPONSE, "IssueInstant", None))),
    Case("E27", "of the future", signed(at(AUTHN, "AuthnInstant", timedelta(minutes=30)))),
    Case("E27", "missing", signed(put(AUTHN, "AuthnInstant", None))),
]
CONFIRMATIONS = [
    Case("E29", "", signed(put(CONFIRMATION, "Method", METHOD + "sender-vouches")), ALL),
    Case("E29", "unknown", signed(put(CONFIRMATION, "Method", "urn:evil:bearer"))),
    Case("E29", "missing", signed(put(CONFIRMATION, "Method", None))),
    Case("E30", "", signed(put(CONFIRMATION, "Method", METHOD + "holder-of-key")), ALL),
    *(
        Case("E31", f"{bad} {'first' if first else 'last'}", second_confirmation(bad, first), judge=unchanged)
        for bad in ("recipient", "time", "method", "lexical")
        for first in (True, False)
    ),
    Case("E31", "both wrong", both_confirmations_wrong),
    Case("E32", "no subject", signed(drop(".//saml:Subject")), ALL),
    Case("E32", "no confirmation", signed(drop(CONFIRMATION)), ALL),
    Case("E32", "no confirmation data", signed(drop(SCD)), ALL),
    Case("E32", "two subjects", signed(add(INNER, "<saml:Subject><saml:NameID>admin@corp.example</saml:NameID></saml:Subject>", 2))),
    Case("E32", "two names", signed(add(".//saml:Subject", "<saml:NameID>admin@corp.example</saml:NameID>", 0))),
]

CODE = '<samlp:Status><samlp:StatusCode Value="{0}">{1}</samlp:StatusCode>{2}</samlp:Status>'
OK, NOT_OK = n.STATUS + "Success", n.STATUS + "Responder"


def status(outer: str, inner: str = "", more: str = "") -> Callable[[Scene], bytes]:
    nested = f'<samlp:StatusCode Value="{inner}"/>' if inner else ""
    return signed(swap("samlp:Status", CODE.format(outer, nested, more)))


STATES = [
    Case("E36", "responder", said(status="Responder"), ALL),
    Case("E36", "requester", said(status="Requester"), ALL),
    Case("E36", "unknown", said(status="Wonderful")),
    Case("E37", "missing", signed(drop("samlp:Status")), ALL),
    Case("E37", "empty", signed(swap("samlp:Status", "<samlp:Status/>"))),
    Case("E37", "success inside failure", status(NOT_OK, OK)),
    Case("E37", "failure inside success", status(OK, NOT_OK), judge=unchanged),
    Case("E37", "two codes, failure first", status(NOT_OK, "", f'<samlp:StatusCode Value="{OK}"/>')),
    Case("E37", "two codes, success first", status(OK, "", f'<samlp:StatusCode Value="{NOT_OK}"/>')),
    Case("E37", "two states", signed(add(RESPONSE, CODE.format(NOT_OK, "", ""), 1))),
    Case("E37", "case", status(OK.upper())),
    Case("E37", "white space", status(f" {OK} ")),
    *(
        Case("E38", f"{label} {where}", signed(put(path, "Version", value)), ALL)
        for label, value in {"1.1": "1.1", "2.1": "2.1", "missing": None, "empty": "", "2": "2", "02.0": "02.0"}.items()
        for where, path in (("response", RESPONSE), ("assertion", INNER))
    ),
    Case("E39", "none", signed(drop(AUTHN)), ALL),
]


def wrong_issuer(path: str, value: str) -> Callable[[Scene], bytes]:
    return signed(words(path, value))


def issuer_format(path: str, uri: str) -> Callable[[Scene], bytes]:
    return signed(put(path, "Format", uri))


TRUE = "https://idp-a.example/metadata"
ISSUED = [
    Case("E41", "response", wrong_issuer(ISSUERS[0], idp_b().entity_id), ALL),
    Case("E41", "assertion", wrong_issuer(ISSUERS[1], idp_b().entity_id), ALL),
    Case("E41", "both", said(issuer=idp_b().entity_id), ALL),
    Case("E41", "ours", said(issuer="urn:amazon:cognito:sp:eu-west-1_Acme01")),
    Case("E42", "missing on response", signed(drop(ISSUERS[0])), ("G-A",), unchanged),
    Case("E42", "missing on signed response", signed(drop(ISSUERS[0])), ("G-R", "G-B")),
    Case("E42", "missing on assertion", signed(drop(ISSUERS[1])), ALL),
    Case("E42", "twice", signed(add(INNER, f"<saml:Issuer>{idp_b().entity_id}</saml:Issuer>", 0)), ALL),
    *(
        Case("E42", f"{label} {where}", wrong_issuer(path, value), judge=judge)
        for label, value, judge in (
            ("white space", f"\n {TRUE} ", unchanged),
            ("upper case", TRUE.upper(), refused),
            ("slash", TRUE + "/", refused),
            ("empty", "", refused),
        )
        for where, path in zip(("response", "assertion"), ISSUERS, strict=True)
    ),
    *(
        Case("E42", f"format of {label} {where}", issuer_format(path, uri), judge=judge)
        for label, uri, judge in (("mail", n.FORMAT_EMAIL, refused), ("entity", n.FORMAT_ENTITY, honest))
        for where, path in zip(("response", "assertion"), ISSUERS, strict=True)
    ),
]


@over(MOMENTS)
def test_the_moments_of_an_assertion_are_near(case: Case) -> None:
    check(case)


@over(CONFIRMATIONS)
def test_a_subject_is_confirmed_as_its_bearer_alone(case: Case) -> None:
    check(case)


@over(STATES)
def test_a_message_that_is_no_success_brings_nobody(case: Case) -> None:
    check(case)


@over(ISSUED)
def test_the_issuer_is_the_one_we_know_to_the_letter(case: Case) -> None:
    check(case)


def advice(scene: Scene) -> bytes:
    """An assertion of another issuer in the Advice, with attributes of its own."""

    def edit(root: etree._Element) -> None:
        other = replace(
            scene.answer,
            issuer=idp_b().entity_id,
            assertion_id="_advised",
            name_id="admin@corp.example",
            attributes=(Attribute("groups", ("admins",)), Attribute("role", ("root",))),
        )
        holder = etree.Element(n.q("saml:Advice"))
        holder.append(assertion_of(n.parse(other.response().encode())))
        insert_after(n.find(root, "saml:Assertion/saml:Conditions"), holder)

    return scene.signed(edit)


def not_changed_by(attribute: str) -> Callable[[Scene, Outcome], None]:
    """Refused; or that attribute has the values the IdP gave it and no others."""

    def judge(scene: Scene, outcome: Outcome) -> None:
        if isinstance(outcome, ProviderError):
            refused(scene, outcome)
        else:
            given = {a.name: a.values for a in scene.answer.attributes}
            assert said_values(outcome).get(attribute) == given[attribute]

    return judge


def refused_or_all_of(attribute: str, *values: str) -> Callable[[Scene, Outcome], None]:
    """Refused; or every value counts, and no later one silently beats an earlier."""

    def judge(scene: Scene, outcome: Outcome) -> None:
        if isinstance(outcome, ProviderError):
            refused(scene, outcome)
        else:
            assert said_values(outcome)[attribute] == values

    return judge


def attribute(name: str, value: str, *, name_format: str | None = n.NAME_BASIC, friendly: str | None = None) -> str:
    return Attribute(name, (value,), name_format, friendly).markup()


STATEMENT = "<saml:AttributeStatement>{0}</saml:AttributeStatement>"
SAME = ".//saml:AttributeStatement"
TWICE = refused_or_all_of("email", "alice@corp.example", "admin@corp.example")
ATTRIBUTES = [
    Case("E43", "", advice, ALL, unchanged),
    Case("E44", "two statements", signed(add(INNER, STATEMENT.format(attribute("email", "admin@corp.example")))), judge=TWICE),
    Case("E44", "one statement", signed(add(SAME, attribute("email", "admin@corp.example"))), judge=TWICE),
    Case(
        "E45",
        "friendly name",
        signed(add(SAME, attribute("urn:oid:1.2.3", "admin@corp.example", name_format=n.NAME_URI, friendly="email"))),
        judge=not_changed_by("email"),
    ),
    Case(
        "E45",
        "friendly name first",
        signed(add(SAME, attribute("urn:oid:1.2.3", "admin@corp.example", name_format=n.NAME_URI, friendly="email"), 0)),
        judge=not_changed_by("email"),
    ),
    *(
        Case(
            "E45",
            f"format {label}",
            signed(add(SAME, attribute("email", "admin@corp.example", name_format=uri))),
            judge=not_changed_by("email"),
        )
        for label, uri in (("uri", n.NAME_URI), ("foreign", "urn:evil:format"))
    ),
    *(
        Case("E45", f"name {label}", signed(add(SAME, attribute(value, "admin@corp.example"))), judge=not_changed_by("email"))
        for label, value in (("upper case", "EMAIL"), ("white space", " email "), ("zero width", "e\u200bmail"))
    ),
]


@over(ATTRIBUTES)
def test_an_attribute_is_what_its_own_name_says_once(case: Case) -> None:
    check(case)


@rows("E25")
def test_a_shorter_session_of_theirs_is_handed_on() -> None:
    scene = Scene(ring(), "G-B")
    until = NOW + timedelta(minutes=7)
    outcome = outcome_of(scene.ring, scene.signed(put(AUTHN, "SessionNotOnOrAfter", stamp(until))))
    honest(scene, outcome)
    assert outcome.session.not_on_or_after == until  # type: ignore[union-attr]


def begun_with(**asked: object) -> tuple[Ring, bytes, Answer]:
    """A login begun with demands of the broker's, and the honest answer to it."""
    found = Ring()
    start = found.provider.start(LoginAsk(HANDLE, ACS, **asked))  # type: ignore[arg-type]
    return found, start.memo, found.idp.answer_to(read_request(start), NOW)


def finished(found: Ring, memo: bytes, document: bytes) -> Outcome:
    try:
        return found.provider.finish(memo, inbound(document))
    except ProviderError as error:
        return error


@rows("E27")
@pytest.mark.parametrize("asked", [{"max_age": 60}, {"prompt": ("login",)}, {"max_age": 0}], ids=["max age", "prompt login", "max age 0"])
def test_a_sign_in_that_should_have_been_fresh_must_be(asked: dict[str, object]) -> None:
    found, memo, answer = begun_with(**asked)
    scene = Scene(found, "G-B")
    stale = found.idp.respond(answer, "G-B", put(AUTHN, "AuthnInstant", stamp(NOW - timedelta(hours=3))))
    refused(scene, finished(found, memo, stale))
    fresh = found.idp.respond(answer, "G-B", put(AUTHN, "AuthnInstant", stamp(NOW)))
    honest(scene, finished(found, memo, fresh))


@rows("E40")
def test_a_weaker_context_is_never_told_as_the_one_we_asked_for() -> None:
    wanted = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"
    found, memo, answer = begun_with(acr_values=(wanted,))
    outcome = finished(found, memo, found.idp.respond(answer, "G-B"))
    if isinstance(outcome, ProviderError):
        refused(Scene(found, "G-B"), outcome)
    else:
        assert outcome.acr in (None, n.PASSWORD_CONTEXT)
        assert not set(outcome.amr) & {"mfa", "otp", "hwk"}
    strong = finished(found, memo, found.idp.respond(replace(answer, authn_context=wanted), "G-B"))
    assert not isinstance(strong, ProviderError), strong
    assert strong.acr == wanted


TOKEN_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"
CONTEXT = ".//saml:AuthnContextClassRef"


@rows("E40")
@pytest.mark.parametrize("solicited", [True, False])
@pytest.mark.parametrize(
    "weaker", [n.PASSWORD_CONTEXT, "", TOKEN_CONTEXT + "X", TOKEN_CONTEXT.upper()], ids=["password", "empty", "longer", "case"]
)
def test_a_context_that_the_provider_demands_is_given_or_the_answer_refused(weaker: str, solicited: bool) -> None:
    found = Ring(idp_initiated=True, solicited=solicited, options={"authn_context": TOKEN_CONTEXT})
    scene = Scene(found, "G-B", {"authn_context": TOKEN_CONTEXT})
    refused(scene, outcome_of(found, scene.signed(words(CONTEXT, weaker))))
    refused(scene, outcome_of(found, scene.signed(drop(CONTEXT))))
    honest(scene, outcome_of(found, scene.document))


@rows("E39", "E40")
def test_of_two_authentications_the_stronger_is_not_picked() -> None:
    """Refused, or the first counts."""
    scene = Scene(ring(), "G-B")
    stronger = replace(scene.answer, authn_context="urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard").authn_statement()
    outcome = outcome_of(scene.ring, signed(add(INNER, stronger))(scene))
    if isinstance(outcome, ProviderError):
        refused(scene, outcome)
    else:
        assert outcome.acr == n.PASSWORD_CONTEXT
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("E37")
def test_words_of_the_provider_come_back_clean_and_short() -> None:
    scene = Scene(ring(), "G-R")
    markup = "&lt;script&gt;alert(1)&lt;/script&gt;&#10;" + "x" * 5000

    def edit(root: etree._Element) -> None:
        root.remove(assertion_of(root))
        swap("samlp:Status", CODE.format(NOT_OK, "", f"<samlp:StatusMessage>{markup}</samlp:StatusMessage>"))(root)

    outcome = outcome_of(scene.ring, scene.signed(edit))
    assert isinstance(outcome, UpstreamRefused)
    assert "script" not in outcome.public
    assert len(outcome.description) <= 200
    assert outcome.description.isprintable()
    honest(scene, outcome_of(scene.ring, scene.document))
