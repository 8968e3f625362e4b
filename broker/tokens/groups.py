"""Groups, roles and the preferred role of a token (spec A.4). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.model.settings import Group


@dataclass(frozen=True, slots=True)
class TokenGroups:
    """What a token says about groups; `names` in order of precedence."""

    names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    preferred_role: str | None = None


def token_groups(groups: Sequence[Group]) -> TokenGroups:
    """Sort a user's groups (lower precedence first, none last, then by name) and derive roles and preferred role."""
    ordered = sorted(groups, key=lambda group: (group.precedence is None, group.precedence or 0, group.name))
    roles = tuple(dict.fromkeys(group.role_arn for group in ordered if group.role_arn))
    return TokenGroups(tuple(group.name for group in ordered), roles, _preferred(ordered, roles))


def _preferred(ordered: Sequence[Group], roles: Sequence[str]) -> str | None:
    """One distinct role is it. Else the role of the strongest groups that have one, if they agree (spec A.4, rule 4)."""
    if len(roles) == 1:
        return roles[0]
    ranked = [(group.precedence, group.role_arn) for group in ordered if group.role_arn and group.precedence is not None]
    strongest = {role for precedence, role in ranked if precedence == ranked[0][0]}
    return strongest.pop() if len(strongest) == 1 else None
