"""OA-R2: what an ID token, UserInfo and the metadata can claim that is not so."""

# ruff: noqa: E501 - a table is read a row a line

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.attacks.oidc_rp.rig import Rig, Row
from tests.attacks.oidc_rp.tokens import other_key, raw
from tests.fakes.oidc_op import SigningKey, b64, sign


class _Absent:
    def __repr__(self) -> str:
        return "absent"  # test ids must not change from run to run


ABSENT = _Absent()
Change = Callable[[Rig], Any]


def claims(**changes: Any) -> Callable[[Rig], None]:
    """Claims changed, ABSENT ones taken away; a function is called with the rig for its value."""

    def attack(rig: Rig) -> None:
        def change(honest: dict[str, Any]) -> dict[str, Any]:
            new = {n: v(rig) if callable(v) else v for n, v in changes.items()}
            return {n: v for n, v in {**honest, **new}.items() if v is not ABSENT}

        rig.op.forge.claims = change

    return attack


def now(delta: float) -> Change:
    return lambda rig: int(rig.clock().timestamp() + delta)


def issuer(change: Callable[[str], str]) -> Callable[[Rig], None]:
    return claims(iss=lambda rig: change(rig.op.issuer))


def asking(**ask: Any) -> Callable[[Rig], None]:
    return lambda rig: rig.ask.update(ask)


def option(**options: Any) -> Callable[[Rig], None]:
    return lambda rig: rig.options.update(options)


def discovery(**changes: Any) -> Callable[[Rig], None]:
    def attack(rig: Rig) -> None:
        rig.op.forge.discovery = lambda d: {n: v for n, v in {**d, **changes}.items() if v is not ABSENT}

    return attack


def both(*steps: Callable[[Rig], None]) -> Callable[[Rig], None]:
    def attack(rig: Rig) -> None:
        for step in steps:
            step(rig)

    return attack


def userinfo(**changes: Any) -> Callable[[Rig], None]:
    def attack(rig: Rig) -> None:
        rig.op.forge.userinfo = lambda c: {n: v for n, v in {**c, **changes}.items() if v is not ABSENT}

    return attack


def signed_userinfo(rig: Rig) -> None:
    rig.op.userinfo_signed = True


def userinfo_token(make: Callable[[dict[str, Any], SigningKey], str]) -> Callable[[Rig], None]:
    """UserInfo is this token."""

    def attack(rig: Rig) -> None:
        other_key()
        honest = {"iss": rig.op.issuer, "aud": "client-1", **rig.op.user}
        rig.op.forge.reply["/userinfo"] = lambda: (200, {"Content-Type": "application/jwt"}, make(honest, rig.op.key).encode())

    return attack


def signed(c: dict[str, Any], k: SigningKey, **changes: Any) -> str:
    return sign({"alg": k.alg, "kid": k.kid}, {**c, **changes}, k.key)


def unsigned(c: dict[str, Any], k: SigningKey) -> str:
    return f"{b64(json.dumps({'alg': 'none'}))}.{b64(json.dumps(c))}."


def tokens(**changes: Any) -> Callable[[Rig], None]:
    def attack(rig: Rig) -> None:
        rig.op.forge.tokens = lambda t: {n: v for n, v in {**t, **changes}.items() if v is not ABSENT}

    return attack


def entra(rig: Rig) -> None:
    """An endpoint for many tenants: the issuer is a template, and two tenants may sign in."""
    template = "https://login.example/{tenantid}/v2.0"
    rig.options["tenants"] = ["tenant-a", "tenant-b"]
    rig.op.forge.discovery = lambda d: {**d, "issuer": template}
    rig.op.forge.claims = lambda c: {**c, "iss": "https://login.example/tenant-a/v2.0", "tid": "tenant-a"}
    rig.op.iss_parameter = False


def tenant(**changes: Any) -> Callable[[Rig], None]:
    def attack(rig: Rig) -> None:
        honest = rig.op.forge.claims
        assert honest is not None
        rig.op.forge.claims = lambda c: {n: v for n, v in {**honest(c), **changes}.items() if v is not ABSENT}

    return attack


def old_nonce(rig: Rig) -> None:
    """The nonce of another login of the same provider."""
    nonce = parse_qs(urlsplit(rig.begin().url).query)["nonce"][0]
    rig.op.forge.token = lambda h, c, k: raw(k, json.dumps(h), json.dumps({**c, "nonce": nonce}))


C = "client-1"
HALF_HASH_OF_ANOTHER = b64(sha256(b"another token").digest()[:16])
WHOLE_HASH = urlsafe_b64encode(sha256(b"x").digest()).decode()

ROWS = [
    *(Row("OA-R2.1", n, issuer(f), "id_token_iss") for n, f in {
        "another": lambda i: "https://evil.example", "https for http": lambda i: i.replace("http:", "https:"), "closing slash": lambda i: i + "/",
        "case": lambda i: i.upper(), "port": lambda i: i.rpartition(":")[0], "a path more": lambda i: i + "/x", "blank": lambda i: i + " ", "user": lambda i: i.replace("//", "//u@")}.items()),
    *(Row("OA-R2.1", f"iss {v!r}", claims(iss=v), "id_token_iss") for v in (ABSENT, None, "", 1, [], {})),
    Row("OA-R2.1", "iss in a list", claims(iss=lambda rig: [rig.op.issuer]), "id_token_iss"),
    Row("OA-R2.2", "the metadata has no issuer, the token another", both(discovery(issuer=ABSENT), issuer(lambda i: "https://evil.example")), "issuer_mismatch"),
    Row("OA-R2.2", "the metadata has no issuer", discovery(issuer=ABSENT), "issuer_mismatch"),
    *(Row("OA-R2.3", f"the metadata says {v!r}", discovery(issuer=v), "issuer_mismatch") for v in ("https://evil.example", "", None, 1, ["x"])),
    Row("OA-R2.3", "closing slash in the metadata", lambda rig: discovery(issuer=rig.op.issuer + "/")(rig), "issuer_mismatch"),
    Row("OA-R2.3", "a template where no tenants are set", discovery(issuer="https://login.example/{tenantid}/v2.0"), "issuer_mismatch"),
    *(Row("OA-R2.5", f"aud {v!r}", claims(aud=v), "id_token_aud") for v in (ABSENT, None, "", "client-2", "CLIENT-1", "client-1 ", 1, {}, ["client-2"], {"client-1": 1})),
    Row("OA-R2.6", "aud another client, azp us", claims(aud="client-2", azp=C), "id_token_aud"),
    Row("OA-R2.7", "aud empty, azp us", claims(aud=[], azp=C), "id_token_aud"),
    Row("OA-R2.7", "aud of two others, azp us", claims(aud=["x", "y"], azp=C), "id_token_aud"),
    Row("OA-R2.8", "an audience that is not trusted", claims(aud=[C, "x"], azp=C), "id_token_aud"),
    Row("OA-R2.8", "an audience that is no string", claims(aud=[C, 1]), "id_token_aud"),
    Row("OA-R2.8", "a trusted one more, no azp", claims(aud=[C, "api"]), "id_token_azp", option(trusted_audiences=["api"])),
    *(Row("OA-R2.9", f"azp {v!r}", claims(azp=v), "id_token_azp") for v in ("client-2", "", None, [C])),
    Row("OA-R2.10", "exp a second beyond the skew", claims(exp=now(-30)), "id_token_exp"),
    Row("OA-R2.10", "the skew of 120 that others allow", claims(exp=now(-61)), "id_token_exp", option(clock_skew=60)),
    *(Row("OA-R2.10", f"exp {v!r}", claims(exp=v), "id_token_exp") for v in (ABSENT, None, "4102444800", True, -1, 1e15, [])),
    Row("OA-R2.11", "iat an hour ahead", claims(iat=now(3600), exp=now(7200)), "id_token_iat"),
    Row("OA-R2.11", "iat a year ago", claims(iat=now(-31_536_000)), "id_token_iat"),
    Row("OA-R2.11", "iat eleven minutes ago", claims(iat=now(-660)), "id_token_iat"),
    *(Row("OA-R2.11", f"iat {v!r}", claims(iat=v), "id_token_iat") for v in (ABSENT, "0", False)),
    Row("OA-R2.12", "nbf ahead", claims(nbf=now(90)), "id_token_nbf"),
    Row("OA-R2.12", "nbf no number", claims(nbf="0"), "id_token_nbf"),
    *(Row("OA-R2.13", f"nonce {v!r}", claims(nonce=v), "id_token_nonce") for v in (ABSENT, None, "", "guess", 1, ["x"])),
    Row("OA-R2.13", "the nonce of another login", old_nonce, "id_token_nonce"),
    *(Row("OA-R2.14", f"sub {str(v)[:20]!r}", claims(sub=v), "id_token_sub") for v in (ABSENT, None, "", 42, "x" * 256, " ", " user-1", "user-1 ", "user\t1", "user-1\n", "üser", ["user-1"], True)),
    Row("OA-R2.15", "at_hash of another token", claims(at_hash=HALF_HASH_OF_ANOTHER), "id_token_at_hash"),
    *(Row("OA-R2.15", f"at_hash {str(v)[:12]!r}", claims(at_hash=v), "id_token_at_hash") for v in ("", None, 1, [], WHOLE_HASH)),
    Row("OA-R2.15", "c_hash of another code", claims(c_hash=HALF_HASH_OF_ANOTHER), "id_token_c_hash"),
    Row("OA-R2.15", "the access token swapped", tokens(access_token="another"), "id_token_at_hash"),
    Row("OA-R2.16", "auth_time absent with max_age", claims(auth_time=ABSENT), "id_token_auth_time", asking(max_age=60)),
    Row("OA-R2.16", "auth_time older than max_age", claims(auth_time=now(-120)), "id_token_auth_time", asking(max_age=60)),
    Row("OA-R2.16", "max_age 0, signed in before", claims(auth_time=now(-60)), "id_token_auth_time", asking(max_age=0)),
    Row("OA-R2.16", "prompt=login, signed in before", claims(auth_time=now(-60)), "id_token_auth_time", asking(prompt=("login",))),
    Row("OA-R2.16", "the provider's own max_age, no auth_time", claims(auth_time=ABSENT), "id_token_auth_time", option(authorize_params={"max_age": "60"})),
    Row("OA-R2.16", "the provider's own prompt=login, signed in before", claims(auth_time=now(-60)), "id_token_auth_time", option(authorize_params={"prompt": "login"})),
    Row("OA-R2.16", "auth_time ahead", claims(auth_time=now(600)), "id_token_auth_time"),
    Row("OA-R2.16", "auth_time no number", claims(auth_time="now"), "id_token_auth_time"),
    *(Row("OA-R2.16", f"acr {v!r}", claims(acr=v), "id_token_acr", asking(acr_values=("mfa",))) for v in ("pwd", "", ABSENT, ["mfa"])),
    *(Row("OA-R2.17", f"userinfo sub {v!r}", userinfo(sub=v), "userinfo_sub") for v in ("user-2", "USER-1", "", ABSENT, None, ["user-1"])),
    Row("OA-R2.17", "signed, another iss", userinfo_token(lambda c, k: signed(c, k, iss="https://evil.example")), "userinfo_iss", signed_userinfo),
    Row("OA-R2.17", "signed, another aud", userinfo_token(lambda c, k: signed(c, k, aud="client-2")), "userinfo_aud", signed_userinfo),
    Row("OA-R2.17", "signed, another sub", userinfo_token(lambda c, k: signed(c, k, sub="user-2")), "userinfo_sub", signed_userinfo),
    Row("OA-R2.17", "alg none", userinfo_token(unsigned), "userinfo_alg", signed_userinfo),
    Row("OA-R2.17", "signed by the attacker", userinfo_token(lambda c, k: signed(c, SigningKey(k.kid, "RS256", other_key().key))), "userinfo_signature", signed_userinfo),
    Row("OA-R2.18", "no id_token", tokens(id_token=ABSENT), "id_token_missing"),
    *(Row("OA-R2.18", f"id_token {v!r}", tokens(id_token=v), f"id_token_{w}") for v, w in ((None, "missing"), ("", "form"), (1, "missing"), ([], "missing"))),
]  # fmt: skip

TENANT_ROWS = [
    Row("OA-R2.4", "a tenant not on the list", tenant(iss="https://login.example/tenant-x/v2.0", tid="tenant-x"), "id_token_iss", entra),
    Row("OA-R2.4", "tid of one tenant, iss of another", tenant(iss="https://login.example/tenant-b/v2.0"), "id_token_iss", entra),
    Row("OA-R2.4", "no tid", tenant(tid=ABSENT), "id_token_iss", entra),
    Row("OA-R2.4", "tid in a list", tenant(tid=["tenant-a"]), "id_token_iss", entra),
    Row("OA-R2.4", "the template itself", tenant(iss="https://login.example/{tenantid}/v2.0"), "id_token_iss", entra),
    Row("OA-R2.4", "the template as tid too", tenant(iss="https://login.example/{tenantid}/v2.0", tid="{tenantid}"), "id_token_iss", entra),
]
"""These rows need their forged provider in the twin as well."""
