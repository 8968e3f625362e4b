"""OA-R4 at the adapter: what an upstream may make us believe about an e-mail, a name, a person. Linking itself is the broker's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from providers.base import Inbound, LoginAsk, UpstreamIdentity
from providers.catalog import build
from providers.errors import ProviderError
from tests.attacks.oidc_rp.rig import CALLBACK, Rig


def via_userinfo(rig: Rig, **changes: Any) -> UpstreamIdentity:
    rig.op.forge.userinfo = lambda c: {**{n: v for n, v in c.items() if n not in changes}, **changes}
    return rig.login()


@pytest.mark.parametrize("flag", [False, None, "false", "", "no"])
def test_r4_1_an_email_that_is_not_verified_is_not_said_to_be(rig: Rig, flag: object) -> None:
    assert via_userinfo(rig, email_verified=flag).attributes["email_verified"] is False
    assert via_userinfo(rig).attributes["email_verified"] is True


def test_r4_1_no_flag_is_no_flag(rig: Rig) -> None:
    rig.op.forge.userinfo = lambda c: {"sub": c["sub"], "email": c["email"]}
    assert "email_verified" not in rig.login().attributes


@pytest.mark.parametrize("flag", ["True", "TRUE", "1", 1, 1.0, "yes", " true", ["true"], {"a": True}, "on"])
@pytest.mark.parametrize("name", ["email_verified", "phone_number_verified"])
def test_r4_2_only_true_is_true(rig: Rig, name: str, flag: object) -> None:
    assert via_userinfo(rig, **{name: flag}).attributes[name] is False
    for yes in (True, "true"):
        assert via_userinfo(rig, **{name: yes}).attributes[name] is True


@pytest.mark.parametrize(
    "email",
    ["Ada@Example.COM", "ada+tag@example.com", "a.d.a@example.com", "ada@bücher.example", "ada@xn--bcher-kva.example", "ada@example.com "],
)
def test_r4_11_an_email_passes_as_it_was_sent(rig: Rig, email: str) -> None:
    """One rule for equal addresses, and it is the directory's: an adapter that trimmed or folded would be a second one."""
    assert via_userinfo(rig, email=email).attributes["email"] == email


def test_r4_15_no_claim_becomes_the_subject_or_one_of_our_names(rig: Rig) -> None:
    identity = via_userinfo(
        rig, subject="admin", subject_key="admin", username="admin", provider_id="x", access_token="t", id_token="t", refresh_token="t"
    )
    assert (identity.subject, identity.subject_key, identity.provider_id) == ("user-1", "user-1", "idp")
    assert identity.attributes["sub"] == "user-1"
    assert not {"access_token", "id_token", "refresh_token"} & set(identity.attributes)
    rig.options["map_tokens"] = True
    mapped = via_userinfo(rig, access_token="evil")
    assert mapped.attributes["access_token"] not in ("evil", None)
    assert mapped.attributes["id_token"] == mapped.session.id_token


def github(rig: Rig, emails: object, status: int = 200, **profile: Any) -> UpstreamIdentity:
    """A sign-in through the GitHub row, its URLs led to the fake."""
    import json

    user = {"id": 583231, "login": "octocat", "name": "Octo", "email": "shown@example.com", **profile}
    json_type = {"Content-Type": "application/json"}
    rig.op.forge.reply["/user"] = lambda: (200, json_type, json.dumps(user).encode())
    rig.op.forge.reply["/user/emails"] = lambda: (status, json_type, json.dumps(emails).encode())
    spec = replace(
        rig.spec(kind="github"),
        options={
            "client_id": "client-1",
            "authorize_url": f"{rig.op.issuer}/authorize",
            "token_url": f"{rig.op.issuer}/token",
            "attributes_url": f"{rig.op.issuer}/user",
        },
    )
    provider = build(spec, rig.tools)
    started = provider.start(LoginAsk(handle="h" * 43, callback_url=CALLBACK))
    return provider.finish(started.memo, Inbound("GET", CALLBACK, tuple(rig.op.browse(started.url))))


def entry(email: str = "primary@example.com", **flags: Any) -> dict[str, Any]:
    return {"email": email, "primary": True, "verified": True, "visibility": None, **flags}


@pytest.mark.parametrize(
    "emails",
    [
        [], None, {}, "x", [None], [{"email": 1, "primary": True, "verified": True}], [entry(verified=False)], [entry(primary=False)],
        [entry(verified="true")], [entry(verified=1)], [entry(verified=False), entry("second@example.com", primary=False)],
    ],
    ids=str,
)  # fmt: skip
def test_r4_10_no_email_but_the_primary_and_verified_one(rig: Rig, emails: object) -> None:
    told = github(rig, emails, email_verified=True).attributes
    assert "email" not in told
    assert "email_verified" not in told
    good = github(rig, [entry("other@example.com", primary=False), entry()]).attributes
    assert (good["email"], good["email_verified"]) == ("primary@example.com", True)


@pytest.mark.parametrize("status", [403, 404])
def test_r4_10_without_the_scope_there_is_no_email(rig: Rig, status: int) -> None:
    assert "email" not in github(rig, {"message": "no"}, status).attributes


def test_r4_10_the_person_is_the_number_not_the_name(rig: Rig) -> None:
    """A login name that was given up is taken by somebody else."""
    before, after = github(rig, [entry()]), github(rig, [entry()], login="renamed")
    other = github(rig, [entry()], id=999)
    assert before.subject_key == after.subject_key == "583231"
    assert other.subject_key == "999"
    assert other.attributes["sub"] == "999"


@pytest.mark.parametrize("identifier", [None, "", True, {"a": 1}, [1], 1.5, "a b", "x" * 256, "ü"])
def test_r4_10_no_usable_number_no_person(rig: Rig, identifier: object) -> None:
    with pytest.raises(ProviderError) as caught:
        github(rig, [entry()], id=identifier)
    assert caught.value.reason == "userinfo_sub"
