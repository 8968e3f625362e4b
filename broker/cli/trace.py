"""`crossgate trace`: the stories of sign-ins."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from broker.cli.options import config_option, json_option, pool_option, wire
from broker.cli.output import as_json as print_json
from broker.cli.output import console, note, say, table

if TYPE_CHECKING:
    from broker.model.login import TraceLine
    from broker.model.records import Trace
    from broker.ports.store import Unit

RECENT = 1000  # how far back a request id is looked for
MARKS = {"ok": "[green]ok[/green]     ", "note": "[yellow]note[/yellow]   ", "refused": "[red]refused[/red]"}


@click.command()
@click.argument("login", required=False)
@config_option
@pool_option
@click.option("--provider", metavar="NAME", help="Only sign-ins through this provider.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many to list.")
@json_option
def trace(login: str | None, config_path: Path, as_json: bool, **choice: Any) -> None:
    """Show why a sign-in went as it went.

    What arrived, what was checked, which rule made which claim.

    Without LOGIN, the recent ones are listed. LOGIN is the `event_id` claim of a token, the first column of that list,
    or the request id that an error page shows. Secrets, codes and tokens are never in a trace.

    \b
    Examples:
      crossgate trace
      crossgate trace --provider okta --limit 10
      crossgate trace 7d0e0b1c-6a0e-4c0e-9b57-2f2f0d2f5a11
    """
    wired = wire(config_path)
    with wired.store.unit() as unit:
        if login is None:
            found = list(unit.traces.recent(choice["pool_id"], choice["provider"], choice["limit"]))
        else:
            one = unit.traces.get(login, choice["pool_id"]) or _by_request(unit, login, choice["pool_id"])
            found = [one] if one is not None else []
    for each in found if login is not None else ():
        wired.kit.audit("trace.read", "ok", "command_line", {"event_id": each.id}, pool_id=each.pool_id, user_sub=each.user_sub)
    if login is not None and not found:
        note(f"there is no trace {login}: it has expired, or never was; see: crossgate trace")
        sys.exit(1)
    if as_json:
        print_json(_as_dict(found[0]) if login is not None else {"logins": [_summary(each) for each in found]})
    elif login is not None:
        _tell(found[0])
    elif found:
        table(("LOGIN", "BEGAN", "POOL", "CLIENT", "PROVIDER", "OUTCOME"), (_cells(each) for each in found))
    else:
        say("no sign-ins yet")


def _by_request(unit: Unit, request_id: str, pool_id: str | None) -> Trace | None:
    """The refused sign-in whose error page showed this id, among the most recent ones."""
    recent = unit.traces.recent(pool_id, None, RECENT)
    return next((one for one in recent if any(line.detail.get("request_id") == request_id for line in one.lines)), None)


def _tell(one: Trace) -> None:
    out = console()
    out.print(f"[bold]{escape(one.id)}[/bold]  {escape(one.outcome)}", soft_wrap=True)
    user = f", user {one.user_sub}" if one.user_sub else ""
    out.print(escape(f"pool {one.pool_id}, client {one.client_id}, provider {one.provider or '-'}{user}"), soft_wrap=True)
    for line in one.lines:
        after = (line.at - one.started_at).total_seconds()
        out.print(f"  {after:8.3f} s  {MARKS[line.outcome]}  {escape(line.step)}", soft_wrap=True)
        for name, value in line.detail.items():
            out.print(escape(f"                        {name}: {_shown(value)}"), soft_wrap=True)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _cells(one: Trace) -> tuple[object, ...]:
    return one.id, f"{one.started_at:%Y-%m-%d %H:%M:%S}", one.pool_id, one.client_id, one.provider or "-", one.outcome


def _summary(one: Trace) -> dict[str, Any]:
    return {
        "login": one.id,
        "began": one.started_at.isoformat(),
        "pool": one.pool_id,
        "client": one.client_id,
        "provider": one.provider,
        "user": one.user_sub,
        "outcome": one.outcome,
    }


def _as_dict(one: Trace) -> dict[str, Any]:
    return _summary(one) | {"expires": one.expires_at.isoformat(), "lines": [_line(line) for line in one.lines]}


def _line(line: TraceLine) -> dict[str, Any]:
    return asdict(line) | {"at": line.at.isoformat(timespec="milliseconds")}
