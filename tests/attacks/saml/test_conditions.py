"""SAML-E10 to E24, E28 and E33 to E35: for whom an assertion is meant, where it may be used, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.attacks.saml.edits import CONDITIONS, INNER, RESPONSE, SCD, Edit, add, drop, put, said, signed, swap, words
from tests.attacks.saml.oracle import ALL, Case, check, honest, outcome_of, over, refused, rows, unchanged
from tests.attacks.saml.ring import ACS, ENTITY, NOW, OTHER_ACS, SLO, Ring, Scene
from tests.fakes.saml_forge import Answer, stamp

RESTRICTION = "<saml:AudienceRestriction><saml:Audience>{0}</saml:Audience></saml:AudienceRestriction>"
AUDIENCE = ".//saml:Audience"
FAR = timedelta(hours=2)


def both_ends(where: str, value: datetime, name: str = "NotOnOrAfter") -> Edit:
    return put(where, name, stamp(value))


AUDIENCES = [
    Case("E10", "other", said(audience="urn:amazon:cognito:sp:eu-west-1_Other1"), ALL),
    Case("E10", "acs", said(audience=ACS)),
    Case("E11", "missing", signed(drop(".//saml:AudienceRestriction")), ALL),
    Case("E11", "empty restriction", signed(swap(".//saml:AudienceRestriction", "<saml:AudienceRestriction/>"))),
    Case("E11", "empty audience", signed(words(AUDIENCE, ""))),
    Case("E12", "missing", signed(drop(CONDITIONS)), ALL),
    Case("E12", "empty", signed(swap(CONDITIONS, "<saml:Conditions/>"))),
    Case("E12", "twice", signed(add(INNER, "<saml:Conditions/>", 2))),
    Case("E13", "other last", signed(add(CONDITIONS, RESTRICTION.format("urn:other:sp")))),
    Case("E13", "other first", signed(add(CONDITIONS, RESTRICTION.format("urn:other:sp"), 0))),
    Case(
        "E13",
        "one restriction of two",
        signed(add(".//saml:AudienceRestriction", "<saml:Audience>urn:other:sp</saml:Audience>")),
        judge=unchanged,
    ),
    *(
        Case("E14", label, said(audience=value))
        for label, value in {
            "longer": ENTITY + "2",
            "shorter": ENTITY[:-1],
            "upper case": ENTITY.upper(),
            "slash": ENTITY + "/",
            "dot": ENTITY + ".",
            "list": f"{ENTITY} urn:other:sp",
            "encoded": ENTITY.replace("_", "%5F"),
            "zero width": ENTITY + "\u200b",
        }.items()
    ),
    Case("E14", "white space", said(audience=f"\n  {ENTITY}\n"), judge=unchanged),
]
PLACES = [
    Case("E15", "other host", signed(put(SCD, "Recipient", "https://evil.example/saml2/idpresponse")), ALL),
    Case("E15", "other tenant", signed(put(SCD, "Recipient", OTHER_ACS))),
    Case("E15", "our logout", signed(put(SCD, "Recipient", SLO))),
    Case("E15", "all of it", said(acs=OTHER_ACS), ALL),
    Case("E16", "missing", signed(put(SCD, "Recipient", None)), ALL),
    Case("E16", "empty", signed(put(SCD, "Recipient", ""))),
    Case("E17", "other host", signed(put(RESPONSE, "Destination", "https://evil.example/saml2/idpresponse")), ALL),
    Case("E17", "other tenant", signed(put(RESPONSE, "Destination", OTHER_ACS))),
    Case("E18", "missing", signed(put(RESPONSE, "Destination", None)), ("G-R", "G-B", "G-E")),
    Case("E19", "empty", signed(put(RESPONSE, "Destination", "")), ALL),
    *(
        Case("E20", f"{label} {name}", signed(put(where, name, value)))
        for where, name in ((RESPONSE, "Destination"), (SCD, "Recipient"))
        for label, value in {
            "query": ACS + "?x=1",
            "fragment": ACS + "#x",
            "upper case": ACS.upper(),
            "host case": ACS.replace("sso.acme", "SSO.Acme"),
            "port": ACS.replace(".example/", ".example:443/"),
            "slash": ACS + "/",
            "suffix": ACS + "/evil",
            "dots": ACS.replace("/saml2/", "/saml2/../saml2/"),
            "scheme": ACS.replace("https:", "http:"),
            "user": ACS.replace("//", "//evil@"),
            "host suffix": ACS.replace(".example", ".example.evil.example"),
        }.items()
    ),
]
PAST, SOON = NOW - FAR, NOW + FAR
TIMES = [
    Case("E21", "not before", signed(both_ends(CONDITIONS, SOON, "NotBefore"), both_ends(CONDITIONS, SOON + FAR))),
    Case("E21", "not on or after", signed(both_ends(CONDITIONS, PAST - FAR, "NotBefore"), both_ends(CONDITIONS, PAST))),
    Case("E22", "equal", signed(both_ends(CONDITIONS, NOW, "NotBefore"), both_ends(CONDITIONS, NOW))),
    Case(
        "E22",
        "reversed",
        signed(both_ends(CONDITIONS, NOW + timedelta(seconds=20), "NotBefore"), both_ends(CONDITIONS, NOW + timedelta(seconds=10))),
    ),
    Case("E23", "missing", signed(put(SCD, "NotOnOrAfter", None)), ALL),
    Case("E24", "past", signed(both_ends(SCD, PAST)), ALL),
    Case("E24", "not before, soon", signed(both_ends(SCD, SOON, "NotBefore"))),
    Case("E24", "not before, past", signed(both_ends(SCD, PAST, "NotBefore"))),
]
LEXICAL = {
    "empty": ("", refused),
    "word": ("tomorrow", refused),
    "date": ("2026-05-05", refused),
    "space for T": ("2026-05-04 12:05:00Z", refused),
    "short": ("2026-05-04T12:05Z", refused),
    "lower case": ("2026-05-04t12:05:00z", refused),
    "basic form": ("20260504T120500Z", refused),
    "hour 25": ("2026-05-04T25:00:00Z", refused),
    "month 13": ("2026-13-04T12:05:00Z", refused),
    "arabic digits": ("٢٠٢٦-05-04T12:05:00Z", refused),
    "offset that is past": ("2026-05-05T01:00:00+14:00", refused),
    "no zone": ("2026-05-04T12:05:00", unchanged),
    "offset": ("2026-05-04T14:05:00+02:00", unchanged),
    "hour 24": ("2026-05-04T24:00:00Z", unchanged),
    "year 10000": ("10000-01-01T00:00:00Z", unchanged),
    "year 9999": ("9999-12-31T23:59:59Z", unchanged),
    "leap second": ("2026-06-30T23:59:60Z", unchanged),
    "negative year": ("-2026-05-04T12:05:00Z", refused),
    "nine digits": ("2026-05-04T12:05:00.123456789Z", unchanged),
    "milliseconds": ("2026-05-04T12:05:00.123Z", honest),
    "white space": (" 2026-05-04T12:05:00Z ", unchanged),
}
FORMS = [
    Case(
        "E28", f"{label} {'conditions' if where is CONDITIONS else 'confirmation'}", signed(put(where, "NotOnOrAfter", value)), judge=judge
    )
    for label, (value, judge) in LEXICAL.items()
    for where in (CONDITIONS, SCD)
]
OTHERS = [
    Case("E33", "foreign", signed(add(CONDITIONS, '<x:OnlyOnMondays xmlns:x="urn:x"/>'))),
    Case("E33", "xsi type", signed(add(CONDITIONS, '<saml:Condition xmlns:x="urn:x" xsi:type="x:OnlyOnMondays"/>'))),
    Case("E33", "saml of no schema", signed(add(CONDITIONS, "<saml:OnlyOnMondays/>"))),
    Case("E35", "count 0", signed(add(CONDITIONS, '<saml:ProxyRestriction Count="0"/>')), ALL),
    Case(
        "E35",
        "audience",
        signed(add(CONDITIONS, '<saml:ProxyRestriction Count="1"><saml:Audience>urn:other</saml:Audience></saml:ProxyRestriction>')),
    ),
    Case("E35", "count odd", signed(add(CONDITIONS, '<saml:ProxyRestriction Count="-1"/>'))),
    Case("E35", "count 1", signed(add(CONDITIONS, '<saml:ProxyRestriction Count="1"/>')), judge=unchanged),
    Case("E34", "once", signed(add(CONDITIONS, "<saml:OneTimeUse/>")), judge=unchanged),
]


@over(AUDIENCES)
def test_only_an_assertion_meant_for_us_counts(case: Case) -> None:
    check(case)


@over(PLACES)
def test_only_a_message_sent_to_our_address_counts(case: Case) -> None:
    check(case)


@over(TIMES)
def test_only_an_assertion_of_now_counts(case: Case) -> None:
    check(case)


@over(FORMS)
def test_a_moment_is_read_exactly_or_not_at_all(case: Case) -> None:
    check(case)


@over(OTHERS)
def test_a_condition_that_we_do_not_know_or_cannot_keep_is_refused(case: Case) -> None:
    check(case)


def edges(found: Ring, skew: timedelta, beyond: timedelta) -> list[tuple[str, bytes]]:
    """Messages at the edges of what clock skew allows: `beyond` is 1 s outside, or 0 at the last allowed second."""
    answer: Answer = found.answer()
    early = NOW + skew + beyond
    late = NOW - skew - beyond + timedelta(seconds=1 if not beyond else 0)
    return [
        ("NotBefore", found.idp.respond(answer, "G-B", both_ends(CONDITIONS, early, "NotBefore"))),
        ("NotOnOrAfter", found.idp.respond(answer, "G-B", lambda root: ends_at(root, late))),
        ("confirmation", found.idp.respond(answer, "G-B", both_ends(SCD, late))),
    ]


def ends_at(root: object, moment: datetime) -> None:
    both_ends(CONDITIONS, moment - timedelta(minutes=5), "NotBefore")(root)  # type: ignore[arg-type]
    both_ends(CONDITIONS, moment)(root)  # type: ignore[arg-type]


SKEW = timedelta(seconds=60)


@rows("E21")
@pytest.mark.parametrize("which", range(3), ids=["NotBefore", "NotOnOrAfter", "confirmation"])
def test_the_skew_is_exact_to_the_second(which: int) -> None:
    found = Ring(options={"clock_skew_seconds": 60})
    scene = Scene(found, "G-B")
    honest(scene, outcome_of(found, edges(found, SKEW, timedelta(0))[which][1]))
    refused(scene, outcome_of(found, edges(found, SKEW, timedelta(seconds=1))[which][1]))
    honest(scene, outcome_of(found, scene.document))
