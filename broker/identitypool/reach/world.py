"""The records that are looked over, and looking things up in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from broker.errors import MalformedPolicy
from broker.identitypool.policy import arns
from broker.identitypool.policy.document import Policy, compiled
from broker.identitypool.roles import policy_arn, role_arn
from broker.identitypool.writable import LOCAL
from broker.model.declared import Declared
from broker.model.iam import Role
from broker.model.settings import AppClient, Group, UserPool


@dataclass(frozen=True)
class World:
    """Everything of one broker. `identity_base` is what identity pools' issuers begin with. `embedded` is False where another STS gives the
    credentials of identity pools, and judges by roles of its own."""

    records: Declared
    account_id: str
    identity_base: str
    embedded: bool = True

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Enabled roles by ARN."""
        return {role_arn(self.account_id, role): role for role in self.records.roles if role.enabled}

    @cached_property
    def clients(self) -> dict[str, tuple[UserPool, AppClient]]:
        """Enabled app clients of enabled user pools, by `POOL:CLIENT`."""
        pools = {pool.id: pool for pool in self.records.pools if pool.enabled}
        return {
            f"{each.pool_id}:{each.id}": (pools[each.pool_id], each)
            for each in self.records.clients
            if each.enabled and each.pool_id in pools
        }

    @cached_property
    def policies(self) -> dict[str, str]:
        """Documents of managed policies by ARN."""
        return {policy_arn(self.account_id, each): each.document for each in self.records.managed_policies}

    def role_named(self, text: str) -> str | None:
        """The ARN of a role that is given by name or ARN; None if there is none."""
        if text in self.roles:
            return text
        found = next((arn for arn, role in self.roles.items() if role.name == text), None)
        if found is not None or self.embedded:
            return found
        try:
            return str(arns.parse_role(text))  # of the other STS
        except ValueError:
            return None

    def groups(self, pool_id: str, role: str) -> Sequence[Group]:
        """Groups of a user pool that bring this role into tokens."""
        return [group for group in self.records.groups if group.pool_id == pool_id and group.role_arn == role]

    def upstreams(self, client: AppClient) -> tuple[str, ...]:
        """By whom the users of an app client sign in: its live providers, and the user pool itself if its own users may."""
        live = {each.name for each in self.records.providers if each.pool_id == client.pool_id and each.state == "live"}
        return tuple(sorted((live | {LOCAL}).intersection(client.providers)))

    def identity_policies(self, role: Role) -> list[tuple[str, Policy]]:
        """What a role may do. Raises MalformedPolicy, also if a policy is gone: then its sessions may do nothing."""
        own = [(name, compiled(text, "identity")) for name, text in role.policies.items()]
        return [*own, *(self.managed(arn) for arn in role.managed)]

    def managed(self, arn: str) -> tuple[str, Policy]:
        """A managed policy. Raises MalformedPolicy."""
        if arn not in self.policies:
            raise MalformedPolicy(f"managed policy {arn} is gone")
        return arn, compiled(self.policies[arn], "managed")
