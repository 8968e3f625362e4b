"""`crossgate check` and `crossgate apply`: the file alone, and the file against the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broker.cli.options import config_option, json_option, load
from broker.cli.output import as_json as print_json
from broker.cli.output import note, plural, say, table

if TYPE_CHECKING:
    from broker.config import Config, Problem
    from broker.flows.pool.refresh_metadata import Fetched
    from broker.flows.pool.report import ApplyReport


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Validate a configuration FILE, and write nothing.

    Every mistake is one line with file, table, key and remedy; the exit status is then 2. Nothing is fetched and no
    database is opened, so it can run anywhere the files and the environment of the service are.

    \b
    Examples:
      crossgate check crossgate.toml
      crossgate check crossgate.toml --json | jq -r '.problems[].key'
    """
    from broker import config

    try:
        loaded = load(file) if not as_json else config.load(file)
    except config.ConfigProblems as refused:
        if not as_json:
            raise
        print_json({"valid": False, "problems": [_as_dict(problem) for problem in refused.problems], "warnings": []})
        sys.exit(2)
    counts = _counts(loaded)
    if as_json:
        print_json({"valid": True, "problems": [], "warnings": [_as_dict(each) for each in loaded.warnings], "declares": counts})
    else:
        say(f"{file} is valid: {', '.join(plural(count, word.replace('_', ' ')) for word, count in counts.items())}")


@click.command()
@config_option
@click.option("--prune", is_flag=True, help="Delete what vanished from the file, and what belongs to it, instead of disabling it.")
@json_option
def apply(config_path: Path, prune: bool, as_json: bool) -> None:
    """Make the store say what the file says.

    Running it twice changes nothing the second time. Records that vanished from the file are disabled, and come back
    when they are declared again; --prune deletes them (a pool with all its users). Records that were made by API or in
    the console are never touched: if the file names one of them, that is reported and the exit status is 1.

    `crossgate serve` does the same at every start, without --prune. The database must be of this version: see
    `crossgate migrate`.

    \b
    Examples:
      crossgate apply --config crossgate.toml
      crossgate apply --config crossgate.toml --prune --json
    """
    from broker.cli.options import wire
    from broker.cli.prepare import apply_file

    done = apply_file(wire(config_path), prune=prune)
    if as_json:
        print_json(done.report.as_dict() | {"metadata": [_fetched(each) for each in done.fetched]})
    else:
        show_report(done.report)
        for each in done.fetched:
            note(f"{each.pool_id} {each.provider}: " + (f"metadata not fetched: {each.problem}" if each.problem else "metadata fetched"))
    sys.exit(1 if done.report.refused else 0)


def show_report(report: ApplyReport) -> None:
    """What was done, a line a record; what could not be done comes to standard error."""
    changed = [change for change in report.changes if change.action not in {"unchanged", "refused"}]
    if changed:
        table(("DONE", "POOL", "KIND", "NAME"), ((each.action, each.pool_id, each.kind, each.name) for each in changed))
    unchanged = len(report.of("unchanged"))
    say(f"{plural(len(changed), 'change')}, {plural(unchanged, 'record')} as before")
    for each in report.refused:
        note(f"refused: {each.pool_id}: {each.kind} {each.name}: {each.reason}")


def _fetched(each: Fetched) -> dict[str, Any]:
    return {"pool": each.pool_id, "provider": each.provider, "problem": each.problem or None}


def _as_dict(problem: Problem) -> dict[str, str]:
    return {
        "file": problem.file,
        "table": problem.table,
        "key": problem.key,
        "what": problem.what,
        "remedy": problem.remedy,
        "line": problem.line(),
    }


def _counts(loaded: Config) -> dict[str, int]:
    pools = loaded.user_pool
    kinds = ("client", "provider", "resource_server", "group")
    return {"user_pool": len(pools)} | {kind: sum(len(getattr(pool, kind)) for pool in pools) for kind in kinds}
