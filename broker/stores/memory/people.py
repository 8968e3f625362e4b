"""Profiles, identities, groups and agreements in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from broker.errors import Conflict
from broker.model.login import Consent
from broker.model.schema import canonical_email
from broker.model.users import LinkedIdentity, PendingLink, User
from broker.stores.memory.state import State, kept

_INDEXED = ("email", "phone_number", "preferred_username")


class MemoryUsers:
    """ports.store.Users."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, pool_id: str, sub: str) -> User | None:
        return self._state.users.get((pool_id, sub))

    def by_username(self, pool_id: str, username: str) -> User | None:
        found = self._state.users.where(lambda user: (user.pool_id, user.username) == (pool_id, username))
        return found[0] if found else None

    def by_attribute(self, pool_id: str, name: str, value: str, limit: int = 2) -> Sequence[User]:
        if name == "sub":
            found = self.get(pool_id, value)
            return [found] if found else []
        if name not in _INDEXED:
            raise ValueError(f"profiles are not indexed by {name!r}")

        def form(text: str | None) -> str | None:
            return canonical_email(text) if text and name == "email" else text

        users = self._state.users.where(lambda user: user.pool_id == pool_id and form(user.attributes.get(name)) == form(value) != "")
        return sorted(users, key=lambda user: (user.created_at, user.sub))[:limit]

    def create(self, user: User) -> None:
        if self.get(user.pool_id, user.sub) or self.by_username(user.pool_id, user.username):
            raise Conflict(f"user {user.username!r} exists already")
        self._state.users.set((user.pool_id, user.sub), kept(user))

    def update(self, user: User) -> User:
        stored = self.get(user.pool_id, user.sub)
        if stored is None or (stored.version, stored.username) != (user.version, user.username):
            raise Conflict(f"user {user.username!r} is gone or has changed meanwhile")
        written = replace(user, version=user.version + 1)
        self._state.users.set((user.pool_id, user.sub), kept(written))
        return written

    def delete(self, pool_id: str, sub: str) -> bool:
        state, owner = self._state, (pool_id, sub)
        state.identities.pop_where(lambda _, link: (link.pool_id, link.user_sub) == owner)
        state.pending.pop_where(lambda _, link: (link.pool_id, link.user_sub) == owner)
        state.memberships.pop_where(lambda place, _: (place[0], place[2]) == owner)
        state.sessions.pop_where(lambda _, session: (session.pool_id, session.user_sub) == owner)
        state.consents.pop_where(lambda place, _: place[:2] == owner)
        gone = {row.family.id for row in state.families.pop_where(lambda _, row: (row.family.pool_id, row.family.user_sub) == owner)}
        state.tokens.pop_where(lambda _, row: row.family in gone)
        for trace in state.traces.where(lambda trace: (trace.pool_id, trace.user_sub) == owner):
            state.traces.set(trace.id, replace(trace, evidence=b""))
        return state.users.pop(owner) is not None


class MemoryIdentities:
    """ports.store.Identities."""

    def __init__(self, state: State) -> None:
        self._state = state

    def find(self, pool_id: str, provider: str, subject_key: str) -> LinkedIdentity | None:
        return self._state.identities.get((pool_id, provider, subject_key))

    def of_user(self, pool_id: str, user_sub: str) -> Sequence[LinkedIdentity]:
        found = self._state.identities.where(lambda link: (link.pool_id, link.user_sub) == (pool_id, user_sub))
        return sorted(found, key=lambda link: (not link.primary, link.created_at, link.provider, link.subject_key))

    def add(self, link: LinkedIdentity) -> None:
        key = (link.pool_id, link.provider, link.subject_key)
        if key in self._state.identities:
            raise Conflict(f"this identity of {link.provider!r} reaches a profile already")
        demand_user(self._state, link.pool_id, link.user_sub)
        self._state.identities.set(key, kept(link))

    def remove(self, pool_id: str, provider: str, subject_key: str) -> bool:
        return self._state.identities.pop((pool_id, provider, subject_key)) is not None

    def add_pending(self, link: PendingLink) -> None:
        key = (link.pool_id, link.provider, link.attribute, link.value)
        there = self._state.pending.get(key)
        if there is not None and there.user_sub != link.user_sub:
            raise Conflict(f"{link.attribute} of {link.provider!r} is pending for another user")
        demand_user(self._state, link.pool_id, link.user_sub)
        if there is None:
            self._state.pending.set(key, kept(link))

    def pending(self, pool_id: str, provider: str, values: Mapping[str, str], take: bool = False) -> Sequence[PendingLink]:
        def answers(link: PendingLink) -> bool:
            return (link.pool_id, link.provider) == (pool_id, provider) and values.get(link.attribute) == link.value

        found = self._state.pending.pop_where(lambda _, link: answers(link)) if take else self._state.pending.where(answers)
        return sorted(found, key=lambda link: (link.created_at, link.attribute))


class MemoryMemberships:
    """ports.store.Memberships."""

    def __init__(self, state: State) -> None:
        self._state = state

    def groups_of(self, pool_id: str, user_sub: str) -> Sequence[str]:
        return sorted(group for (pool, group, sub), _ in self._state.memberships.items() if (pool, sub) == (pool_id, user_sub))

    def members(self, pool_id: str, group: str, after: str | None = None, limit: int = 60) -> Sequence[str]:
        found = (
            sub for (pool, name, sub), _ in self._state.memberships.items() if (pool, name) == (pool_id, group) and sub > (after or "")
        )
        return sorted(found)[:limit]

    def add(self, pool_id: str, group: str, user_sub: str) -> None:
        demand_user(self._state, pool_id, user_sub)
        self._state.memberships.set((pool_id, group, user_sub), True)

    def remove(self, pool_id: str, group: str, user_sub: str) -> bool:
        return self._state.memberships.pop((pool_id, group, user_sub)) is not None


class MemoryConsents:
    """ports.store.Consents."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, pool_id: str, user_sub: str, client_id: str) -> Consent | None:
        return self._state.consents.get((pool_id, user_sub, client_id))

    def put(self, consent: Consent) -> None:
        self._state.consents.set((consent.pool_id, consent.user_sub, consent.client_id), kept(consent))

    def withdraw(self, pool_id: str, user_sub: str, client_id: str) -> bool:
        return self._state.consents.pop((pool_id, user_sub, client_id)) is not None


def demand_user(state: State, pool_id: str, user_sub: str) -> None:
    """What a foreign key does."""
    if (pool_id, user_sub) not in state.users:
        raise Conflict("there is no such user")
