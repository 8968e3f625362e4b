"""Tags of identity pools as resources (API `TagResource`), which policies may look at. They are not principal tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from broker.api_errors import InvalidParameter, ResourceNotFound
from broker.flows.access_kit import AccessKit
from broker.flows.identity.records import change, read, tell
from broker.identitypool.policy import arns
from broker.identitypool.tag_names import tag_fault
from broker.model.sts import Caller


def tag(kit: AccessKit, by: Caller, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags, or give some another value. Raises ResourceNotFound, ResourceConflict (a pool of the file), InvalidParameter."""
    new = {key.casefold() for key in tags}

    def merged(known: Mapping[str, str]) -> dict[str, str]:
        return {**{key: value for key, value in known.items() if key.casefold() not in new}, **tags}

    check_tags(tags)
    pool = change(kit, pool_named(kit, arn), lambda known: replace(known, tags=check_tags(merged(known.tags))))
    tell(kit, by, "identity_pool.tagged", pool.id, tags=sorted(tags))


def untag(kit: AccessKit, by: Caller, arn: str, keys: Sequence[str]) -> None:
    """Take tags away. Raises ResourceNotFound, ResourceConflict (a pool of the file)."""
    gone = {key.casefold() for key in keys}

    def kept(known: Mapping[str, str]) -> dict[str, str]:
        return {key: value for key, value in known.items() if key.casefold() not in gone}

    pool = change(kit, pool_named(kit, arn), lambda known: replace(known, tags=kept(known.tags)))
    tell(kit, by, "identity_pool.untagged", pool.id, tags=sorted(keys))


def tags_of(kit: AccessKit, arn: str) -> Mapping[str, str]:
    """Raises ResourceNotFound."""
    return read(kit, pool_named(kit, arn)).tags


def pool_named(kit: AccessKit, arn: str) -> str:
    """The id of the pool with this ARN, which must be of our account. Raises ResourceNotFound."""
    try:
        pool_id = arns.parse_identity_pool(arn)
    except ValueError:
        pool_id = ""
    if not pool_id or arns.account_of(arn) != kit.account.id:
        raise ResourceNotFound(f"no {arn[:200]}", public=f"Resource '{arn}' not found.")
    return pool_id


def check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags, if they may be. Raises InvalidParameter."""
    if (fault := tag_fault(tags.items())) is not None:
        raise InvalidParameter(f"tags: {fault}", public=fault)
    return dict(tags)
