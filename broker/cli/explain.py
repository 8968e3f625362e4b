"""`crossgate explain`: why a sign-in gets the role that it gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from broker.cli.options import config_option, json_option, wire
from broker.cli.output import as_json as print_json
from broker.cli.output import console

if TYPE_CHECKING:
    from broker.flows.access_kit import AccessKit
    from broker.flows.identity.explanation import ChoiceSeen, DecisionSeen, ExplainAsk, Explanation, Right

LARGEST = 200_000
YES, NO, NOTE, SKIP = "[green]yes[/green] ", "[red]no[/red]  ", "[yellow]note[/yellow]", "-   "
MARKS = {"matched": YES, "not matched": NO, "not tried": SKIP}


@click.command()
@click.option("--identity-pool", "pool_id", metavar="ID", required=True, help="Id of the identity pool: REGION:UUID.")
@click.option(
    "--token",
    "token",
    type=click.File("rb"),
    metavar="FILE",
    help="An ID token or a SAML response (Base64); - reads it from standard input.",
)
@click.option("--claims", "claims", type=click.File("rb"), metavar="FILE", help="A JSON object of claims, assumed to be true.")
@click.option("--guest", is_flag=True, help="Somebody who shows nothing.")
@click.option("--provider", metavar="KEY", default="", help="Whose token: its key in `Logins`. Found by `iss` without it.")
@click.option("--custom-role", metavar="ARN", help="The role that the application asks for (CustomRoleArn).")
@click.option("--action", metavar="SERVICE:NAME", help="Try this action with the credentials.")
@click.option("--resource", metavar="ARN", default="*", show_default=True, help="What the action is tried on.")
@click.option("--context", metavar="KEY=VALUE", multiple=True, help="A context key of the request that is tried, such as aws:SourceIp.")
@json_option
@config_option
def explain(config_path: Path, as_json: bool, **given: Any) -> None:
    """Show why a sign-in gets its role, its tags and its rights.

    It takes the way of a real call to GetCredentialsForIdentity, step by step: which login, which identity, each rule of
    the role mapping and why it did or did not match, the role, each principal tag and the claim that it is from, what the
    role's trust policy says, what the role's policies allow, and what looks dangerous.

    Nothing is written: no identity is made or linked, an assertion stays unused. A token is verified as ever, which may
    ask its provider over the network, and is never printed; subject, rules and the values of principal tags are.

    With --claims you may try rules before anybody has such a token: write the claims into a file. If they have no `iss`,
    say with --provider whose they would be. The exit status is 0 whether there would be credentials or not.

    \b
    Examples:
      crossgate explain --identity-pool $POOL --token id-token.jwt
      crossgate explain --identity-pool $POOL --claims maria.json --action reports:Get --resource arn:aws:reports:::q3
      crossgate explain --identity-pool $POOL --claims maria.json --provider accounts.google.com
      crossgate explain --identity-pool $POOL --guest --json | jq .role_arn
    """
    if [given["token"] is not None, given["claims"] is not None, given["guest"]].count(True) != 1:
        raise click.UsageError("give one of --token, --claims and --guest")
    from broker.flows.identity.explain import explain as explained

    token, claims = _read(given["token"]), _claims(_read(given["claims"]))
    around = _context(given["context"])
    kit = wire(config_path).services.access.kit
    found = explained(kit, _ask(kit, {**given, "token": token, "claims": claims, "context": around}))
    if as_json:
        print_json(found.as_dict())
        return
    out = console()
    for line in _lines(found):
        out.print(line, soft_wrap=True)


def _read(file: Any) -> str | None:
    if file is None:
        return None
    octets: bytes = file.read(LARGEST + 1)
    if len(octets) > LARGEST:
        raise click.UsageError(f"{file.name} is larger than {LARGEST:,} bytes")
    try:
        return octets.decode().strip()
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name} is no text") from None


def _claims(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        claims = json.loads(text)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise click.UsageError("the file of --claims must hold one JSON object; a token goes to --token")
    return claims


def _context(pairs: tuple[str, ...]) -> dict[str, str]:
    if any("=" not in pair or ":" not in pair.partition("=")[0] for pair in pairs):
        raise click.UsageError("write --context as KEY=VALUE, such as aws:ResourceTag/team=web")
    return dict(pair.split("=", 1) for pair in pairs)


def _ask(kit: AccessKit, given: dict[str, Any]) -> ExplainAsk:
    from broker.flows.identity.assumed import key_of_token
    from broker.flows.identity.explanation import ExplainAsk
    from broker.flows.identity.lookups import pool_of

    token, pool = given["token"], pool_of(kit, given["pool_id"])
    return ExplainAsk(
        pool.id,
        logins={given["provider"] or key_of_token(kit, pool, token): token} if token is not None else {},
        claims=given["claims"],
        provider=given["provider"],
        custom_role_arn=given["custom_role"],
        action=given["action"],
        resource=given["resource"],
        context=given["context"],
    )


# --- words ------------------------------------------------------------------------------------------------------------------------------


def _lines(found: Explanation) -> Iterator[str]:
    """The explanation for people. What comes from a token or a file is escaped: it is no markup of ours."""
    yield f"[bold]{escape(found.pool_name)}[/bold]  {escape(found.pool_id)}"
    yield from _who(found)
    if found.identity is not None:
        yield _head("Role", found.role_arn or "none")
        if found.decided_by:
            yield f"  by the role mapping of {escape(found.decided_by)}"
        yield from (f"  {MARKS[each.outcome]} {_choice(each)}" for each in found.choices)
        yield from _tags(found)
        yield from _trust(found)
        yield from _rights(found)
    if found.warnings:
        yield _head("Warnings", "")
        yield from (f"  {NOTE} {escape(words)}" for words in found.warnings)
    yield _head("Result", "")
    if found.refusal is None:
        life = f" for {found.seconds} seconds" if found.seconds else ""
        yield f"  {YES} credentials of {escape(found.role_arn or '')}{life}"
    else:
        yield f"  {NO} refused at the step [bold]{found.refusal.stage}[/bold]: {escape(found.refusal.private)}"
        yield f"       the application hears: {escape(found.refusal.public)}"


def _head(word: str, rest: str) -> str:
    return f"\n[bold]{word}[/bold]  {escape(rest)}".rstrip()


def _who(found: Explanation) -> Iterator[str]:
    yield _head("Login", "" if found.logins or found.identity is None else "none: a guest")
    for each in found.logins:
        mark = f"{YES} verified" if each.verified else f"{NOTE} assumed, not verified"
        client = f", for {each.audience}" if each.audience else ""
        yield f"  {mark}: {escape(f'{each.key} ({each.kind}), subject {each.subject or chr(45)}{client}')}"
    if found.identity is None:
        yield f"  {NO} it does not count"
        return
    yield _head("Identity", found.identity.id or found.identity.outcome)
    yield f"  {NO if found.identity.outcome == 'refused' else YES} {escape(found.identity.words or found.identity.outcome)}"


def _choice(each: ChoiceSeen) -> str:
    number = f"rule {each.rule}: " if each.rule else ""
    seen = f" (it is {each.seen})" if each.seen and each.outcome == "not matched" else ""
    role = f" -> {each.role_arn}" if each.role_arn else ""
    return escape(f"{number}{each.what}: {each.why}{seen}{role}")


def _tags(found: Explanation) -> Iterator[str]:
    yield _head("Principal tags", f"by the tag map of {found.tags_from}" if found.tags_from else "none: no login has a tag map")
    for tag in found.tags:
        value = f"{tag.key} = {tag.value}, from the claim {tag.claim}" if tag.value is not None else f"{tag.key}: {tag.why} ({tag.claim})"
        yield f"  {YES if tag.value is not None else NO} {escape(value)}"


def _trust(found: Explanation) -> Iterator[str]:
    if not found.trust:
        return
    yield _head("Trust policy of the role", "")
    for decision in found.trust:
        yield from _decision(decision)


def _decision(decision: DecisionSeen) -> Iterator[str]:
    yield f"  {YES if decision.allowed else NO} {escape(decision.reason)}"
    for each in decision.statements:
        sid = f" ({each.sid})" if each.sid else ""
        yield escape(f"       {each.effect} statement {each.statement}{sid} of {each.by} policy {each.policy}: {each.words}")


def _rights(found: Explanation) -> Iterator[str]:
    if not found.trust:
        return
    yield _head(
        "What the role's policies say", "" if any(right.by == "identity" for right in found.rights) else "nothing, so nothing is allowed"
    )
    yield from (f"  {_right(each)}" for each in found.rights)
    if found.limited_as_guest:
        yield f"  {NOTE} a guest may do only what the role and one of the session policies above allow"
    if found.tried is not None:
        yield _head("Tried", f"{found.tried.action} on {found.tried.resource}")
        yield from _decision(found.tried)


def _right(each: Right) -> str:
    sid = f" ({each.sid})" if each.sid else ""
    only = f" if {' and '.join(each.conditions)}" if each.conditions else ""
    return escape(f"{each.effect} {each.actions} on {each.resources}{only}   [{each.by} {each.policy}, statement {each.statement}{sid}]")
