"""SAML-H, SAML-K and SAML-F in the whole broker: where RelayState leads, which addresses exist, what attributes write, what pages say."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.attacks.saml.edits import AUTHN, put
from tests.attacks.saml.limits import bounded
from tests.attacks.saml.oracle import rows
from tests.attacks.saml.stage import ACME, GLOBEX, Stage, accepted, refused_by, refused_post, relay, signed_in
from tests.fakes import saml_names as n
from tests.fakes.broker import PUBLIC, REDIRECT, claims_of
from tests.fakes.saml_forge import HONEST, Attribute, deflate, stamp

ACS = f"{PUBLIC}/{ACME}/saml2/idpresponse"
EVIL = {
    "absolute": "https://evil.example/",
    "no scheme": "//evil.example/",
    "slash backslash": "/\\evil.example/",
    "backslashes": "\\\\evil.example/",
    "no slashes": "https:evil.example",
    "javascript": "javascript:alert(1)//evil.example",
    "data": "data:text/html,<script>alert(1)</script>",
    "line break": "/x\r\nLocation: https://evil.example/",
    "encoded line break": "/x%0d%0aLocation:%20https://evil.example/",
    "at": f"{REDIRECT}@evil.example/",
    "unicode slash": "\u2215\u2215evil.example/",
    "full width": "\uff0f\uff0fevil.example/",
    "suffix": REDIRECT.replace("app.example", "app.example.evil.example"),
    "path": REDIRECT + "/../evil.example",
    "markup": '"><script>alert("evil.example")</script>',
}


@rows("H6")
@pytest.mark.parametrize("which", EVIL)
def test_relay_state_leads_nowhere(stage: Stage, which: str) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    good = stage.broker.saml_answer(sent)
    refused_post(stage, browser, {**good, "RelayState": EVIL[which]})
    unasked = stage.unasked()
    refused_post(stage, browser, {"SAMLResponse": unasked, "RelayState": EVIL[which]})
    refused_post(stage, browser, {"SAMLResponse": unasked, "RelayState": relay(redirect_uri=EVIL[which])})
    refused_post(stage, browser, {"SAMLResponse": unasked, "RelayState": relay() + "&" + urlencode({"redirect_uri": EVIL[which]})})
    accepted(stage.post(stage.broker.browser(), {"SAMLResponse": unasked, "RelayState": relay()}))
    accepted(stage.post(browser, good))


@rows("H6", "E2")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": "app"},
        {"identity_provider": "corp"},
        {"identity_provider": ""},
        {"response_type": "token"},
        {"scope": "admin"},
    ],
    ids=["unknown client", "client of another provider", "provider not allowed", "no provider", "token", "scope"],
)
def test_what_an_unasked_answer_asks_for_is_checked_like_any_request(stage: Stage, changes: dict[str, str]) -> None:
    """Wrong parameters get no code; where the redirect_uri is trusted, the application is told."""
    unasked = stage.unasked()
    before = stage.counts()
    answer = stage.post(stage.broker.browser(), {"SAMLResponse": unasked, "RelayState": relay(**changes)})
    assert not signed_in(answer)
    assert answer.status_code >= 400 or "error=" in (answer.location or "")
    assert stage.counts() == before
    accepted(stage.post(stage.broker.browser(), {"SAMLResponse": unasked, "RelayState": relay()}))


@rows("H7")
def test_relay_state_in_a_page_of_ours_is_text(stage: Stage) -> None:
    """The bounce page repeats what was posted, in a form that sends itself."""
    script = '"><script>alert(1)</script><x>'
    page = stage.broker.browser().post(ACS, {"SAMLResponse": "QUJD" + script, "RelayState": script, script: script})
    html = BeautifulSoup(page.get_data(as_text=True), "html.parser")
    assert not [found for found in html.find_all("script") if "alert" in found.get_text()]
    assert {found["name"]: found["value"] for found in html.find_all("input")}["RelayState"] == script
    policy = page.headers.get("Content-Security-Policy", "")
    assert "script-src" in policy or "default-src" in policy
    assert "unsafe-inline" not in policy


@rows("H8")
@pytest.mark.parametrize("relay_state", ["", "x", "A" * 81, "A" * 5000, "\u0000", "null", "' or 1=1--"], ids=repr)
def test_relay_state_is_our_handle_or_the_answer_is_refused(stage: Stage, relay_state: str) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    good = stage.broker.saml_answer(sent)
    refused_post(stage, browser, {**good, "RelayState": relay_state})
    refused_post(stage, browser, {"SAMLResponse": good["SAMLResponse"]})
    for place in (0, len(good["RelayState"]) // 2, -1):
        changed = list(good["RelayState"])
        changed[place] = "A" if changed[place] != "A" else "B"
        refused_post(stage, browser, {**good, "RelayState": "".join(changed)})
    assert len(good["RelayState"]) <= 80
    accepted(stage.post(browser, good))


@rows("H8")
def test_two_relay_states_are_refused(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    good = stage.broker.saml_answer(sent)
    refused_post(stage, browser, [*good.items(), ("RelayState", good["RelayState"])])
    refused_post(stage, browser, [("RelayState", "x"), *good.items()])
    accepted(stage.post(browser, good))


@rows("H15", "H9", "H14", "H17", "H18")
def test_the_address_takes_one_form_with_one_response(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    good = stage.broker.saml_answer(sent)
    query = urlencode({**good, "SAMLResponse": deflate(base64.b64decode(good["SAMLResponse"]))})
    acts = {
        "get": lambda: browser.get(f"{ACS}?{query}"),
        "get of a post": lambda: browser.get(f"{ACS}?{urlencode(good)}"),
        "put": lambda: browser.client.put(urlsplit(ACS).path, base_url=PUBLIC, data=good),
        "multipart": lambda: browser.client.post(
            urlsplit(ACS).path, base_url=PUBLIC, data={**good, "crossgate_bounced": "1"}, content_type="multipart/form-data"
        ),
        "json": lambda: browser.client.post(urlsplit(ACS).path, base_url=PUBLIC, data=json.dumps(good), content_type="application/json"),
        "text": lambda: browser.client.post(urlsplit(ACS).path, base_url=PUBLIC, data=urlencode(good), content_type="text/plain"),
        "twice": lambda: stage.post(browser, [*good.items(), ("SAMLResponse", good["SAMLResponse"])]),
        "junk first": lambda: stage.post(browser, [("SAMLResponse", "AAAA"), *good.items()]),
        "request too": lambda: stage.post(browser, [*good.items(), ("SAMLRequest", good["SAMLResponse"])]),
        "request in place": lambda: stage.post(browser, {"SAMLRequest": good["SAMLResponse"], "RelayState": good["RelayState"]}),
        "query beside": lambda: browser.post(f"{ACS}?SAMLResponse=AAAA", {**good, "crossgate_bounced": "1"}),
        "artifact": lambda: stage.post(browser, {"SAMLart": "AAQAAA==", "RelayState": good["RelayState"]}),
        "artifact by get": lambda: browser.get(f"{ACS}?SAMLart=AAQAAA%3D%3D"),
    }
    for act in acts.values():
        refused_by(stage, act)
    accepted(stage.post(browser, good))


@rows("H3", "H2")
@pytest.mark.parametrize("megabytes", [1, 10, 100])
def test_a_body_that_is_too_big_is_refused_before_it_is_decoded(stage: Stage, megabytes: int) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    good = stage.broker.saml_answer(sent)
    body = urlencode({"RelayState": good["RelayState"], "crossgate_bounced": "1"}).encode() + b"&SAMLResponse=" + b"A" * (megabytes << 20)

    def act() -> object:
        with bounded():
            return browser.client.post(urlsplit(ACS).path, base_url=PUBLIC, data=body, content_type="application/x-www-form-urlencoded")

    assert refused_by(stage, act).response.status_code == 413
    accepted(stage.post(browser, good))


@rows("H19", "H18")
@pytest.mark.parametrize(
    "path", ["soap", "paos", "ecp", "artifact", "SAML2/SOAP", "saml2/soap", "saml2/ecp", "saml2/artifact", "saml2/ars", "saml2/idp"]
)
def test_bindings_that_we_do_not_offer_have_no_address(stage: Stage, path: str) -> None:
    for method in ("get", "post"):
        answer = getattr(stage.broker.browser().client, method)(f"/{ACME}/{path}", base_url=PUBLIC)
        assert answer.status_code in (404, 405)


@rows("H19")
@pytest.mark.parametrize("kind", ["text/xml", "application/soap+xml", "application/vnd.paos+xml"])
def test_an_envelope_at_our_address_is_refused(stage: Stage, kind: str) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    good = stage.broker.saml_answer(sent)
    envelope = b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>' + base64.b64decode(good["SAMLResponse"])
    envelope += b"</S:Body></S:Envelope>"
    refused_by(stage, lambda: browser.client.post(urlsplit(ACS).path, base_url=PUBLIC, data=envelope, content_type=kind))
    accepted(stage.post(browser, good))


@rows("H17", "H19")
def test_our_metadata_offers_the_post_binding_alone_for_answers(stage: Stage) -> None:
    root = n.parse(stage.broker.browser().get(f"{PUBLIC}/{ACME}/saml2/metadata").get_data())
    services = n.find_all(root, ".//md:AssertionConsumerService")
    assert {service.get("Binding") for service in services} == {n.POST}
    assert not root.xpath(".//md:ArtifactResolutionService | .//md:IDPSSODescriptor", namespaces=n.NSMAP)


@rows("K9")
def test_attributes_named_like_our_own_words_write_nothing(stage: Stage) -> None:
    """Only what the mapping names is written; the rest is no claim, no group, no tenant, no verified address."""
    names = (
        "sub",
        "email_verified",
        "cognito:groups",
        "cognito:username",
        "custom:tenant_id",
        "role",
        "pool_id",
        "groups",
        "iss",
        "aud",
        "identities",
    )
    extra = tuple(Attribute(name, ("root",)) for name in names if name != "groups")
    browser = stage.broker.browser()
    flow, sent = stage.begin(browser)
    fields = stage.broker.saml_answer(sent, attributes=(*HONEST, *extra), name_id="k9@corp.example")
    code = accepted(stage.post(browser, fields))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": flow.redirect_uri, "code_verifier": flow.verifier}
    body = stage.broker.token(form, flow.client_id, pool=ACME).get_json()
    for token in (body["id_token"], body["access_token"]):
        claims = claims_of(token)
        assert "root" not in json.dumps(claims)
        assert claims["iss"] == f"{PUBLIC}/{ACME}"
        assert claims["cognito:groups"] == [f"{ACME}_corp"]
    assert claims_of(body["id_token"])["email_verified"] is False


@rows("K15")
def test_an_error_page_of_one_tenant_shows_nothing_of_the_other(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    fields = stage.broker.saml_answer(sent, name_id="secret-person@corp.example")
    refusal = refused_post(stage, browser, fields, pool=GLOBEX)
    page = refusal.response.get_data(as_text=True)
    for word in (ACME, "secret-person", "corp.example", "idp-a.example", stage.entity_id(ACME)):
        assert word not in page
    log = [event for event in stage.audit() if event.get("pool_id") == GLOBEX]
    assert "secret-person" not in json.dumps(log)
    accepted(stage.post(browser, fields))


@rows("F6")
def test_a_transient_name_finds_nobody_again(stage: Stage) -> None:
    """The same transient value twice, in two sign-ins: never one person by that value."""
    subs = []
    for _ in range(2):
        browser = stage.broker.browser()
        flow, sent = stage.begin(browser)
        fields = stage.broker.saml_answer(sent, name_id="_transient-1", name_id_format=n.FORMAT_TRANSIENT)
        answer = stage.post(browser, fields)
        if not signed_in(answer):
            assert answer.status_code >= 400 or "error=" in answer.location
            continue
        form = {
            "grant_type": "authorization_code",
            "code": accepted(answer),
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        subs.append(claims_of(stage.broker.token(form, flow.client_id, pool=ACME).get_json()["id_token"])["sub"])
    assert len(set(subs)) == len(subs)


@rows("F5")
def test_a_hostile_name_is_one_line_of_the_log_and_text_on_a_page(stage: Stage) -> None:
    hostile = 'x" } {"event":"login.finished","outcome":"ok'
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    before = len(stage.audit())
    answer = stage.post(browser, stage.broker.saml_answer(sent, name_id=hostile, audience="urn:evil\n{}"))
    assert not signed_in(answer)
    events = stage.audit()[before:]
    assert [event["event"] for event in events] == ["login.refused"]
    assert hostile not in answer.get_data(as_text=True)


@rows("E25")
def test_their_session_that_ends_sooner_ends_ours(own_stage: Stage) -> None:
    """SessionNotOnOrAfter of five minutes: ten minutes later the browser has to sign in again."""
    broker = own_stage.broker
    for minutes, gone in ((5, True), (55, False)):
        browser = broker.browser()
        _, sent = own_stage.begin(browser)
        ends = put(AUTHN, "SessionNotOnOrAfter", stamp(broker.clock.now() + timedelta(minutes=minutes)))
        accepted(own_stage.post(browser, broker.saml_answer(sent, edit=ends)))
        broker.clock.advance(minutes=10)
        _, again = own_stage.begin(browser)
        assert (urlsplit(again.location).netloc == "idp-a.example") is gone, again.location


@rows("H20")
def test_a_request_on_the_wire_tells_no_more_than_it_must(stage: Stage) -> None:
    seen = set()
    for _ in range(8):
        _, sent = stage.begin(stage.broker.browser())
        query = dict(parse_qsl(urlsplit(sent.location).query))
        assert set(query) <= {"SAMLRequest", "RelayState", "SigAlg", "Signature"}
        seen.add(query["RelayState"])
        assert "alice" not in sent.location
    assert len(seen) == 8
