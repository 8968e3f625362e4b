"""Which principal tags a sign-in gets: claims -> tags (spec D.10), and for each tag the claim it is from or why it is not there.

Pure. Values are never repaired: what STS would not take as a tag stops the whole call, because a policy that denies by a tag must not
meet a session that silently lacks it (attacks IP-S2.1 to IP-S2.7). Values are compared as they are, byte by byte (IP-S2.9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broker.identitypool import claims as reading
from broker.identitypool.rules import mapping_of
from broker.identitypool.tag_names import tag_fault
from broker.model.identity import IdentityPool, TagMap
from broker.model.sts import Proof

TAGS_CLAIM = "https://aws.amazon.com/tags"
LARGEST = 4096
"""Octets of all keys and values. A session carries no more (attack IP-S2.11), and nothing is ever cut off to make it fit."""
_SAML_NAMEID = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
_SAML_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_DEFAULT_CLAIMS: Mapping[str, tuple[str, str]] = {
    "user_pool": ("aud", "sub"),
    "oidc": ("aud", "sub"),
    "saml": (_SAML_NAMEID, _SAML_NAME),
}


@dataclass(frozen=True, slots=True)
class TagStep:
    """What became of one tag. `seen` is the shape of the claim's value, never the value."""

    key: str
    claim: str
    made: bool
    why: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class TagSet:
    """The tags; `fault` says, without a value, why there can be none and the sign-in must be refused."""

    tags: Mapping[str, str] = field(default_factory=dict, repr=False)
    steps: tuple[TagStep, ...] = ()
    provider: str = ""
    fault: str | None = None


def make_tags(pool: IdentityPool, proofs: Sequence[Proof], decided_by: str = "") -> TagSet:
    """The tags of a sign-in: of the login whose role mapping decided (`decided_by`, as `Resolution.provider`), since the order of logins is
    the caller's to choose; of none if that has no map. Where no mapping decided, the first login in order whose provider has a map gives
    them. Guests have none."""
    if decided_by:
        proofs = [proof for proof in proofs if mapping_of(pool, proof)[0] == decided_by]
    for proof in proofs:
        if proof.kind == "openid":
            return _of_token(proof)
        key, tag_map = tag_map_of(pool, proof)
        if tag_map is not None:
            return _checked(key, _default(proof) if tag_map.use_defaults else _mapped(tag_map.tags, proof.claims))
    return TagSet()


def tag_map_of(pool: IdentityPool, proof: Proof) -> tuple[str, TagMap | None]:
    """The tag map of a login's provider and its key. A user pool may be named with or without its app client (spec D.10)."""
    if proof.kind == "user_pool":
        full = proof.mapping_key.rpartition("/")[2]
        for wanted in (full, full.partition(":")[0]):
            for key, found in pool.tag_maps.items():
                if key.rpartition("/")[2] == wanted and not key.startswith("arn:"):
                    return key, found
        return proof.mapping_key, None
    return proof.mapping_key, pool.tag_maps.get(proof.mapping_key)


def _mapped(tag_map: Mapping[str, str], claims: Mapping[str, object]) -> list[tuple[str, str, object]]:
    return [(key, claim, claims.get(claim)) for key, claim in tag_map.items()]


def _default(proof: Proof) -> list[tuple[str, str, object]]:
    """`client` and `username`. Of X the app's key, and never the consumer secret that AWS has in it."""
    if proof.kind in _DEFAULT_CLAIMS:
        client, username = _DEFAULT_CLAIMS[proof.kind]
        # `aud` may be a list in the token; the audience that the verifier accepted is one.
        audience = proof.audience if client == "aud" and proof.audience else proof.claims.get(client)
        return [("client", client, audience), ("username", username, proof.subject if username == "sub" else proof.claims.get(username))]
    if proof.kind == "social":
        return [("client", "aud", proof.audience.partition(";")[0] or None), ("username", "sub", proof.subject)]
    return []


def _checked(provider: str, wanted: Sequence[tuple[str, str, object]]) -> TagSet:
    tags: dict[str, str] = {}
    steps: list[TagStep] = []
    fault: str | None = None
    for key, claim, value in wanted:
        single = _single(value)
        text = reading.as_text(single)
        if single is None:
            steps.append(TagStep(key, claim, False, "the claim is missing", "" if value is None else reading.shape(value)))
        elif text is None:
            why = "a tag is one text, a number or a boolean"
            steps.append(TagStep(key, claim, False, why, reading.shape(value)))
            fault = fault or f"The claim for tag '{key}' is not a single value."
        else:
            tags[key] = text
            steps.append(TagStep(key, claim, True, "", reading.shape(value)))
    fault = fault or tags_fault(tags)
    return TagSet({} if fault else tags, tuple(steps), provider, fault)


def tags_fault(tags: Mapping[str, str]) -> str | None:
    """What is wrong with these tags, one by one or together; no value is quoted."""
    if (fault := tag_fault(tags.items())) is not None:
        return fault
    octets = sum(len(text.encode()) for pair in tags.items() for text in pair)
    return f"The tags have {octets} bytes, and {LARGEST} are allowed." if octets > LARGEST else None


def _single(value: object) -> object:
    """The one member of a list, which is how SAML attributes come; the list itself if there are several. Null and empty are missing."""
    several = reading.members(value)
    if several is None:
        return value
    if not several:
        return None
    return several[0] if len(several) == 1 else value


def _of_token(proof: Proof) -> TagSet:
    """Our own OpenID token carries the tags that it was made with."""
    held = proof.claims.get(TAGS_CLAIM)
    principal = held.get("principal_tags") if isinstance(held, Mapping) else None
    given = list(principal.items()) if isinstance(principal, Mapping) else []
    return _checked(proof.mapping_key, [(str(key), TAGS_CLAIM, value) for key, value in given])
