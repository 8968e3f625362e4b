"""`crossgate credentials`: what our own STS has handed out."""

from __future__ import annotations

from pathlib import Path

import click

from broker.cli.options import config_option, json_option, wire
from broker.cli.output import as_json as print_json
from broker.cli.output import say


@click.group()
def credentials() -> None:
    """End temporary credentials before their time.

    A session's token holds all there is of it, so no list of sessions exists and none can be ended alone: name its role,
    or the identity behind it. What is issued afterwards is good again; to keep somebody out, change what lets him in.
    """


@credentials.command()
@config_option
@click.option("--role", metavar="NAME", help="Every session of this role.")
@click.option("--identity", "identity_id", metavar="ID", help="Every session of this identity, and what was chained from it.")
@click.option("--all", "everything", is_flag=True, help="Every session there is.")
@json_option
def revoke(config_path: Path, role: str | None, identity_id: str | None, everything: bool, as_json: bool) -> None:
    """Refuse credentials that were issued before now, everywhere within two seconds.

    \b
    Examples:
      crossgate credentials revoke --role Reader
      crossgate credentials revoke --identity eu-west-1:5f3c1a52-8f0e-4d0b-9d53-2e1b7a6c4d10
      crossgate credentials revoke --all
    """
    from broker.flows.sts import revoke as revoking

    if [role is not None, identity_id is not None, everything].count(True) != 1:
        raise click.UsageError("give one of --role, --identity and --all")
    kit = wire(config_path).services.access.kit
    if role is not None:
        revoking.revoke_role(kit, role, "command_line")
    elif identity_id is not None:
        revoking.revoke_identity(kit, identity_id, "command_line")
    else:
        revoking.revoke_all(kit, "command_line")
    whose = f"role {role}" if role else f"identity {identity_id}" if identity_id else "this broker"
    if as_json:
        print_json({"revoked": {"role": role, "identity": identity_id, "all": everything}})
    else:
        say(f"credentials of {whose} that were issued before now are refused from now on")
