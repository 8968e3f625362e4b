"""SAML-I in the whole broker: a session survives every logout message that is not its own identity provider's, and ends by the true one."""

from __future__ import annotations

import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup
from werkzeug.test import TestResponse

from providers.base import LoginStart
from tests.attacks.saml.oracle import rows
from tests.attacks.saml.ring import idp_a, idp_b
from tests.attacks.saml.stage import ACME, GLOBEX, Stage, accepted, refused_by
from tests.attacks.saml.test_bindings import bomb
from tests.fakes.broker import PUBLIC, REDIRECT
from tests.fakes.saml_forge import form_value, read_request
from tests.fakes.saml_keys import Key, key
from tests.fakes.saml_logout import LogoutAsk, LogoutReply, posted, redirected

SLO = f"{PUBLIC}/{ACME}/saml2/logout"
OUT = f"{PUBLIC}/{ACME}/logout"
BYE = "https://app.example/bye"


@dataclass
class Guest:
    """Somebody who is signed in at Acme by IdP A."""

    stage: Stage
    name: str
    index: str

    def __post_init__(self) -> None:
        self.browser = self.stage.broker.browser()
        _, sent = self.stage.begin(self.browser)
        accepted(self.stage.post(self.browser, self.stage.broker.saml_answer(sent, name_id=self.name, session_index=self.index)))

    def is_signed_in(self) -> bool:
        """Whether the browser gets a code without being asked anything."""
        _, back = self.stage.begin(self.browser)
        return (back.location or "").startswith(REDIRECT) and "code=" in back.location

    def ask(self, **changes: object) -> LogoutAsk:
        """The identity provider's demand to end this session; each guest's has an id of its own."""
        made = LogoutAsk(idp_a().entity_id, SLO, self.stage.broker.clock.now(), self.name, session_indexes=(self.index,))
        return replace(made, **{"message_id": f"_l{zlib.crc32((self.name + self.index).encode())}", **changes})  # type: ignore[arg-type]


def send(stage: Stage, document: bytes, parameter: str = "SAMLRequest", relay: str = "idp-state", slo: str = SLO) -> TestResponse:
    """From the browser of nobody in particular: a logout message is vouched for by its signature alone."""
    return stage.broker.browser().post(slo, {parameter: form_value(document), "RelayState": relay})


def send_query(stage: Stage, raw_query: str) -> TestResponse:
    return stage.broker.browser().get(f"{SLO}?{raw_query}")


def by_b(guest: Guest) -> bytes:
    ask = LogoutAsk(idp_b().entity_id, SLO, guest.stage.broker.clock.now(), guest.name, session_indexes=(guest.index,))
    return posted(ask.markup(), key("idp-b"))


Forge = Callable[[Stage, Guest], TestResponse]


def post_signed(signer: Key | None = None, **changes: object) -> Forge:
    return lambda stage, guest: send(stage, posted(guest.ask(**changes).markup(), signer))


def aged(minutes: int, lifetime: int | None) -> Forge:
    def forge(stage: Stage, guest: Guest) -> TestResponse:
        moment = stage.broker.clock.now() + timedelta(minutes=minutes)
        ask = guest.ask(now=moment, lifetime=None if lifetime is None else timedelta(minutes=lifetime))
        return send(stage, posted(ask.markup(), key("idp-a")))

    return forge


FORGED: dict[str, Forge] = {
    "I1 unsigned": post_signed(),
    "I1 attacker's key": lambda stage, guest: post_signed(key("attacker"))(stage, guest),
    "I2 garbage": lambda stage, guest: send_query(
        stage, redirected("SAMLRequest", guest.ask().markup(), key("idp-a"))[:-12] + "AAAAAAAAAA%3D"
    ),
    "I2 attacker's key": lambda stage, guest: send_query(stage, redirected("SAMLRequest", guest.ask().markup(), key("attacker"))),
    "I3 no signature": lambda stage, guest: send_query(stage, redirected("SAMLRequest", guest.ask().markup(), None)),
    "I4 B as A": lambda stage, guest: post_signed(key("idp-b"))(stage, guest),
    "I6 expired": aged(-3, -1),
    "I6 too old": aged(-30, None),
    "I6 future": aged(30, 5),
    "I6 destination": lambda stage, guest: post_signed(key("idp-a"), destination=SLO.replace(ACME, GLOBEX))(stage, guest),
    "I9 document type": lambda stage, guest: send(stage, b"<!DOCTYPE x>" + posted(guest.ask().markup(), key("idp-a"))),
    "I9 bomb": lambda stage, guest: send_query(stage, "SAMLRequest=" + urllib.parse.quote(form_value(bomb()))),
    "I9 oversize": lambda stage, guest: send(stage, b"<x>" + b"a" * (2 << 20) + b"</x>"),
    "I9 not base64": lambda stage, guest: stage.broker.browser().post(SLO, {"SAMLRequest": "%%%"}),
    "H9 both": lambda stage, guest: stage.broker.browser().post(
        SLO, {"SAMLRequest": form_value(posted(guest.ask().markup(), key("idp-a"))), "SAMLResponse": "AAAA"}
    ),
    "H14 authn request": lambda stage, guest: send(
        stage, b'<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_x"/>'
    ),
}


@rows("I1", "I2", "I3", "I4", "I6", "I9", "H9", "H14")
@pytest.mark.parametrize("which", FORGED)
def test_a_session_survives_a_forged_logout_request(stage: Stage, which: str) -> None:
    guest = Guest(stage, f"{which.lower().replace(' ', '-').replace(chr(39), '')}@corp.example", f"_s-{which}")
    refused_by(stage, lambda: FORGED[which](stage, guest))
    assert guest.is_signed_in()
    answer = send(stage, posted(guest.ask().markup(), key("idp-a")))
    assert answer.status_code in (200, 303), answer.get_data(as_text=True)[:500]
    assert not guest.is_signed_in(), "the true request must end it, or the row proves nothing"


@rows("I4", "K7")
def test_another_provider_ends_nothing_of_this_one(stage: Stage) -> None:
    """IdP B may speak, and even be heard; but never of users of IdP A."""
    guest = Guest(stage, "i4@corp.example", "_s-i4")
    answer = send(stage, by_b(guest))
    assert answer.status_code < 500
    assert guest.is_signed_in()
    # In another tenant that knows IdP A too, A's words about a user end nothing here.
    elsewhere = guest.ask(destination=SLO.replace(ACME, GLOBEX))
    send(stage, posted(elsewhere.markup(), key("idp-a")), slo=SLO.replace(ACME, GLOBEX))
    assert guest.is_signed_in()
    send(stage, posted(guest.ask().markup(), key("idp-a")))
    assert not guest.is_signed_in()


@rows("I5")
def test_only_the_exact_subject_and_the_named_sessions_end(stage: Stage) -> None:
    alice, bob = Guest(stage, "i5-alice@corp.example", "_s-i5a"), Guest(stage, "i5-bob@corp.example", "_s-i5b")
    second = Guest(stage, "i5-alice@corp.example", "_s-i5c")
    wrong: list[dict[str, object]] = [
        {"name_id": "I5-alice@corp.example"},
        {"name_id_format": None},
        {"name_id_extra": (("NameQualifier", "https://evil.example"),)},
        {"session_indexes": ("_s-i5b",)},
        {"session_indexes": ("_s-nobody",)},
    ]
    for number, changes in enumerate(wrong):
        send(stage, posted(alice.ask(message_id=f"_i5-{number}", **changes).markup(), key("idp-a")))
        assert alice.is_signed_in(), changes
        assert bob.is_signed_in(), changes
    send(stage, posted(alice.ask().markup(), key("idp-a")))
    assert (alice.is_signed_in(), second.is_signed_in(), bob.is_signed_in()) == (False, True, True)
    send(stage, posted(second.ask(session_indexes=(), message_id="_i5-all").markup(), key("idp-a")))
    assert (second.is_signed_in(), bob.is_signed_in()) == (False, True)


@rows("I6")
def test_a_logout_request_counts_once(stage: Stage) -> None:
    guest = Guest(stage, "i6@corp.example", "_s-i6")
    document = posted(guest.ask(session_indexes=()).markup(), key("idp-a"))
    send(stage, document)
    assert not guest.is_signed_in()
    again = Guest(stage, "i6@corp.example", "_s-i6")
    assert refused_by(stage, lambda: send(stage, document)).reasons[-1] == "response_replayed"
    assert again.is_signed_in()


def begin_logout(guest: Guest, **more: str) -> TestResponse:
    """The application sends the browser to sign out, by an address that it registered."""
    return guest.browser.get(f"{OUT}?{urlencode({'client_id': 'app', 'logout_uri': BYE, **more})}")


def reply_to(sent: TestResponse, stage: Stage, signer: Key | None, **changes: object) -> tuple[bytes, str]:
    """The answer of the IdP to our logout request, and the RelayState that goes with it."""
    asked = read_request(LoginStart("redirect", sent.location, {}, b""))
    fields = {"issuer": idp_a().entity_id, "destination": SLO, "in_response_to": asked.request_id, **changes}
    reply = LogoutReply(now=stage.broker.clock.now(), **fields)  # type: ignore[arg-type]
    return posted(reply.markup(), signer), asked.relay_state


@rows("I7", "I8")
def test_our_logout_comes_back_by_the_true_answer_and_to_the_registered_address_only(stage: Stage) -> None:
    guest = Guest(stage, "i7@corp.example", "_s-i7")
    sent = begin_logout(guest)
    assert urlsplit(sent.location).netloc == "idp-a.example", sent.location
    document, relay = reply_to(sent, stage, key("idp-a"))
    back = send(stage, document, "SAMLResponse", relay)
    assert back.status_code == 303
    assert back.location == BYE
    refused_by(stage, lambda: send(stage, document, "SAMLResponse", relay))


@rows("I7")
@pytest.mark.parametrize("which", ["unsolicited", "unsigned", "wrong request", "another idp", "another idp as ours", "evil relay state"])
def test_a_wrong_logout_answer_leads_nowhere(stage: Stage, which: str) -> None:
    guest, other = Guest(stage, f"i7-{which[:9].strip()}@corp.example", f"_s-{which}"), Guest(stage, "i7-other@corp.example", "_s-other")
    sent = begin_logout(guest)
    signer: Key | None = key("idp-a")
    changes: dict[str, object] = {}
    if which in ("unsolicited", "wrong request"):
        changes["in_response_to"] = None if which == "unsolicited" else "_nobody_asked"
    elif which == "unsigned":
        signer = None
    elif which.startswith("another idp"):
        signer = key("idp-b")
        changes["issuer"] = idp_a().entity_id if which.endswith("ours") else idp_b().entity_id
    document, relay = reply_to(sent, stage, signer, **changes)
    relay = "https://evil.example/" if which == "evil relay state" else relay
    refused_by(stage, lambda: send(stage, document, "SAMLResponse", relay))
    assert other.is_signed_in()


@rows("I8")
@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", BYE + ".evil.example", BYE + "/../x", "javascript:alert(1)"]
)
def test_after_logout_the_browser_goes_to_a_registered_address_or_nowhere(stage: Stage, address: str) -> None:
    guest = Guest(stage, "i8@corp.example", "_s-i8")
    refused_by(stage, lambda: begin_logout(guest, logout_uri=address))
    assert guest.is_signed_in()
    for name in ("RelayState", "return", "next", "post_logout_redirect_uri"):
        answer = guest.browser.get(f"{OUT}?{urlencode({name: address})}")
        assert not (answer.location or "").startswith(address)


@rows("I10")
def test_a_logout_that_nobody_vouches_for_asks_first(stage: Stage) -> None:
    """A picture on a foreign page points here: the session stays."""
    guest = Guest(stage, "i10@corp.example", "_s-i10")
    for query in ("", "?client_id=app", "?state=x"):
        answer = guest.browser.get(OUT + query)
        assert answer.status_code in (200, 303, 400)
        assert guest.is_signed_in(), query
    page = guest.browser.get(OUT)
    foreign = guest.browser.post(OUT, {}, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code >= 400 or urlsplit(foreign.location).path == f"/{ACME}/logout", foreign.location
    assert guest.is_signed_in()
    hidden = BeautifulSoup(page.get_data(as_text=True), "html.parser").find_all("input")
    forged = {found["name"]: "A" * 43 for found in hidden}
    refused_by(stage, lambda: guest.browser.post(OUT, forged))
    assert guest.is_signed_in()
    guest.browser.post(OUT, {found["name"]: found["value"] for found in hidden})
    assert not guest.is_signed_in(), "the user's own answer must end it"


@rows("I8", "I10")
def test_the_answer_to_their_request_carries_their_state_to_their_own_address(stage: Stage) -> None:
    guest = Guest(stage, "i8-state@corp.example", "_s-i8s")
    answer = send_query(stage, redirected("SAMLRequest", guest.ask().markup(), key("idp-a"), "state-of-theirs"))
    assert answer.status_code == 303
    target = urlsplit(answer.location)
    assert f"{target.scheme}://{target.netloc}{target.path}" == idp_a().slo_url
    query = dict(parse_qsl(target.query))
    assert query["RelayState"] == "state-of-theirs"
    assert "Signature" in query
    assert not guest.is_signed_in()
