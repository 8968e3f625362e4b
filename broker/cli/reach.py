"""`crossgate reach`: who can get a role, and whether a change lets in more."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from broker.cli.options import config_option, json_option, load, wire
from broker.cli.output import as_json as print_json
from broker.cli.output import console, note, plural, say
from broker.errors import NotFound

if TYPE_CHECKING:
    from broker.identitypool.reach.path import Path as Way
    from broker.identitypool.reach.world import World

FORMAT = "crossgate reach 1"
WORDS = {
    "rule": "a rule of",
    "group": "a group, by the token of",
    "token": "whatever role is named by a token of",
    "hook": "a hook, by the token of",
    "assertion": "the Role attribute of an assertion of",
    "ambiguous": "the authenticated role, where nothing decides, for",
    "default": "the authenticated role, for",
    "developer": "the authenticated role, for users of the developer provider",
    "guest": "guests",
    "classic": "the classic flow, where the application chooses the role, for",
    "web_identity": "AssumeRoleWithWebIdentity with a token of",
    "saml": "AssumeRoleWithSAML with an assertion of",
    "assume_role": "AssumeRole by sessions of",
    "operator": "AssumeRole by the operator's access keys",
}


@click.command()
@click.option("--role", "roles", metavar="ROLE", multiple=True, required=True, help="Name or ARN of the role; several times for several.")
@click.option("--store", "with_store", is_flag=True, help="Count records made by API too: reads the database of the configuration.")
@click.option(
    "--fail-if-wider", "baseline", metavar="BASELINE", type=click.Path(path_type=Path), help="Compare with a file that --json wrote."
)
@json_option
@config_option
def reach(roles: tuple[str, ...], with_store: bool, baseline: Path | None, as_json: bool, config_path: Path) -> None:
    """Show every way that leads to a role.

    Rules, groups, tokens and assertions, default roles, guests, the developer provider and the classic flow of every
    identity pool; tokens and assertions that our STS takes for it directly; roles that may assume it, and all that leads
    to those. What the role's trust policy refuses is shown as blocked. What hangs on the person or the request (claims,
    groups, an address) stands as a condition.

    It reads the configuration file alone: no database, no running broker. With --store, what was made by API counts too.

    As a gate: keep the answer of --json under version control, and let CI run --fail-if-wider on each change of the
    configuration. A way that is new, or whose conditions became weaker, is shown and gives exit status 1; fewer ways or
    stricter conditions give 0. An unreadable file, an unknown role or a wrong command line gives 2.

    \b
    Examples:
      crossgate reach --role admin
      crossgate reach --role admin --role payroll --json > reach.json
      crossgate reach --role admin --role payroll --fail-if-wider reach.json
    """
    from broker.flows.identity.role_reach import reach_in

    before = _baseline(baseline) if baseline is not None else None
    world = _world(config_path, with_store)
    try:
        found = dict(reach_in(world, role) for role in roles)
    except NotFound as unknown:
        raise click.UsageError(unknown.private) from None
    wider = _wider(before, found) if before is not None else {}
    if as_json:
        print_json(_as_dict(found) | ({"wider": _listed(wider)} if before is not None else {}))
    elif before is None:
        for role, ways in found.items():
            _tell(role, ways)
    else:
        _judge(wider)
    sys.exit(1 if wider else 0)


def _world(config_path: Path, with_store: bool) -> World:
    from broker.config import declare
    from broker.flows.identity.role_reach import stored, with_api
    from broker.identitypool.reach.world import World

    wired = wire(config_path) if with_store else None
    config = wired.config if wired is not None else load(config_path)
    records = declare(config)
    if wired is not None:
        records = with_api(records, stored(wired.store))
    identity_base = f"{config.server.public_url.rstrip('/')}/identity"
    return World(records, config.aws.account_id, identity_base, config.credentials.sts_endpoint is None)


def _baseline(path: Path) -> dict[str, list[Way]]:
    """Raises UsageError, which is exit status 2: a gate must not open because its file is gone."""
    from broker.identitypool.reach.path import path_of

    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if given.get("format") != FORMAT:
            raise ValueError(f"it has no format {FORMAT!r}")
        return {role: [path_of(each) for each in ways] for role, ways in given["roles"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as unreadable:
        words = unreadable.strerror if isinstance(unreadable, OSError) else str(unreadable)
        raise click.UsageError(f"{path} cannot be read as a baseline: {words}; make it with: crossgate reach --role ROLE --json") from None


def _wider(before: Mapping[str, Iterable[Way]], found: Mapping[str, Iterable[Way]]) -> dict[str, tuple[Way, ...]]:
    from broker.identitypool.reach.search import new_paths

    fresh = {role: new_paths(before.get(role, ()), ways) for role, ways in found.items()}
    return {role: ways for role, ways in fresh.items() if ways}


def _as_dict(found: Mapping[str, Iterable[Way]]) -> dict[str, Any]:
    return {"format": FORMAT, "roles": _listed(found)}


def _listed(found: Mapping[str, Iterable[Way]]) -> dict[str, Any]:
    return {role: [way.as_dict() for way in found[role]] for role in sorted(found)}


# --- words ------------------------------------------------------------------------------------------------------------------------------


def _judge(wider: Mapping[str, tuple[Way, ...]]) -> None:
    if not wider:
        say("no way is wider than in the baseline")
        return
    for role, ways in wider.items():
        note(f"{role}: {plural(len(ways), 'way')} that the baseline does not have:")
        _ways(ways)


def _tell(role: str, ways: tuple[Way, ...]) -> None:
    opened = [way for way in ways if not way.blocked]
    console().print(f"[bold]{escape(role)}[/bold]  {plural(len(opened), 'way')}, {len(ways) - len(opened)} blocked", soft_wrap=True)
    _ways(ways)
    if not opened:
        say("  nobody can get it")


def _ways(ways: Iterable[Way]) -> None:
    out = console()
    for way in ways:
        mark = "[yellow]blocked[/yellow]" if way.blocked else "[green]open[/green]   "
        out.print(f"  {mark}  {escape(_sentence(way))}", soft_wrap=True)
        for word, rest in _details(way):
            out.print(f"           {word}: {escape(rest)}", soft_wrap=True)


def _sentence(way: Way) -> str:
    where = way.provider or ("" if way.kind in {"guest", "operator"} else way.source)
    pool = f" in identity pool {way.source}" if not way.source.startswith("arn:") else ""
    return f"{WORDS[way.kind]} {where}".rstrip() + pool


def _details(way: Way) -> Iterable[tuple[str, str]]:
    if way.where:
        yield "if", " and ".join(way.where)
    if way.through:
        yield "signed in by", ", ".join(way.through)
    if way.self_written:
        yield "[yellow]careful[/yellow]", way.self_written
    if way.then:
        yield "into", " -> ".join((way.role, *way.then))
    if way.blocked:
        yield "because", way.blocked
