"""`crossgate keys`: our own keys, pool by pool."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broker.cli.options import config_option, json_option, pool_option, wire
from broker.cli.output import as_json as print_json
from broker.cli.output import note, plural, say, table

if TYPE_CHECKING:
    from broker.model.keys import KeyRecord
    from broker.wiring import Wired

USES = ("id", "access", "logout", "openid", "saml_signing", "saml_decryption")
AT_ROTATE = ("id", "access", "logout", "openid")


@dataclass(frozen=True, slots=True)
class Row:
    """A key without its private part."""

    key: KeyRecord

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        key = self.key
        times = {"created_at": key.created_at, "activated_at": key.activated_at, "retired_at": key.retired_at}
        return {"pool": key.pool_id, "use": key.use, "alg": key.alg, "state": key.state, "kid": key.kid} | {
            name: moment.isoformat() if moment else None for name, moment in times.items()
        }


@click.group()
def keys() -> None:
    """List, rotate and revoke our own keys.

    A key is `next` (published, not used yet), `current` (signs) or `retired` (still published, so that what it signed
    stays valid). The worker rotates token keys by itself; SAML keys change only when you say so, because partners pin
    their certificates by hand.
    """


@keys.command("list")
@config_option
@pool_option
@json_option
def list_(config_path: Path, pool_id: str | None, as_json: bool) -> None:
    """Show every key with its pool, use and state.

    \b
    Examples:
      crossgate keys list
      crossgate keys list --pool eu-west-1_Demo --json
    """
    rows = [Row(key).as_dict() for key in _keys(wire(config_path), pool_id)]
    if as_json:
        print_json({"keys": rows})
    elif rows:
        table(("POOL", "USE", "ALG", "STATE", "KID", "SINCE"), (_cells(row) for row in rows))
    else:
        say("no keys yet: they are made when a pool first needs them")


@keys.command()
@config_option
@pool_option
@click.option("--use", type=click.Choice(USES), multiple=True, help="Which keys; id, access, logout and openid without it.")
@json_option
def rotate(config_path: Path, pool_id: str | None, use: tuple[str, ...], as_json: bool) -> None:
    """Make the next key current, and publish a new next one.

    What the old key signed stays valid until it expires. Before you rotate `saml_signing`, give every identity provider
    our new metadata: it lists the next certificate already.

    \b
    Examples:
      crossgate keys rotate
      crossgate keys rotate --pool eu-west-1_Demo --use saml_signing
    """
    from broker.tokens.rotate import KeyKeeper

    wired = wire(config_path)
    keeper = KeyKeeper(wired.store, wired.clock)
    wanted = sorted({(k.pool_id, k.use, k.alg) for k in _keys(wired, pool_id) if k.use in (use or AT_ROTATE) and k.state == "current"})
    done = []
    for pool, name, alg in wanted:
        kid = keeper.rotate(pool, name, alg)
        wired.kit.audit("keys.rotated", "ok", "command_line", {"use": name, "alg": alg, "kid": kid}, pool_id=pool)
        done.append((pool, name, alg, kid))
    if as_json:
        print_json({"rotated": [dict(zip(("pool", "use", "alg", "kid"), each, strict=True)) for each in done]})
        return
    for pool, name, alg, kid in done:
        say(f"{pool}: {name} {alg}: {kid} signs now")
    if not done:
        say("nothing to rotate: no current key of that kind")


@keys.command()
@click.argument("kid")
@config_option
@pool_option
@json_option
def revoke(kid: str, config_path: Path, pool_id: str | None, as_json: bool) -> None:
    """Take the key KID out at once, whatever its state.

    Everything that it signed becomes invalid: its users sign in again, which is what you want when a key has leaked.

    \b
    Example:
      crossgate keys revoke 3kT0Jb...     # from crossgate keys list
    """
    from broker.tokens.rotate import KeyKeeper

    wired = wire(config_path)
    owners = sorted({key.pool_id for key in _keys(wired, pool_id) if key.kid == kid})
    revoked = [pool for pool in owners if KeyKeeper(wired.store, wired.clock).revoke(pool, kid)]
    for pool in revoked:
        wired.kit.audit("keys.revoked", "ok", "command_line", {"kid": kid}, pool_id=pool)
    if as_json:
        print_json({"revoked": [{"pool": pool, "kid": kid} for pool in revoked]})
    else:
        for pool in revoked:
            say(f"{pool}: {kid} is revoked and replaced")
    if not revoked:
        note(f"there is no key {kid}; see: crossgate keys list")
        sys.exit(1)


@keys.command()
@config_option
@json_option
def rewrap(config_path: Path, as_json: bool) -> None:
    """Seal everything anew under the newest master key.

    Put the new key first, before the old one (in CROSSGATE_MASTER_KEY: `NEW,OLD`; in the key file: first in its list),
    restart, and run this. Keep the old key as long as you keep backups that were made under it.

    \b
    Examples:
      CROSSGATE_MASTER_KEY="$NEW,$OLD" crossgate keys rewrap
    """
    wired = wire(config_path)
    with wired.store.unit() as unit:
        rows = unit.keys.rewrap()
    wired.kit.audit("keys.rewrapped", "ok", "command_line", {"rows": rows})
    if as_json:
        print_json({"rewrapped": rows})
    else:
        say(f"{plural(rows, 'row')} sealed under the newest master key")


def _keys(wired: Wired, pool_id: str | None) -> Iterator[KeyRecord]:
    with wired.store.unit() as unit:
        for pool in unit.keys.pools():
            if pool_id in {None, pool}:
                yield from unit.keys.list(pool)


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    since = row["retired_at"] or row["activated_at"] or row["created_at"]
    return row["pool"], row["use"], row["alg"], row["state"], row["kid"], str(since)[:16].replace("T", " ")
