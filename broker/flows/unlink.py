"""AdminDisableProviderForUser (spec B.10): an identity no longer reaches a profile."""

from __future__ import annotations

from broker.directory import linking
from broker.flows.kit import FlowKit
from broker.flows.logout import end_session
from broker.model.settings import UserPool
from broker.model.users import User


def unlink(kit: FlowKit, pool: UserPool, user: User, provider: str, subject: str) -> None:
    """Take the link away and end what was issued to the profile; clients of the sessions that end are told by the back channel.

    The next sign-in of an identity that was linked makes a profile of its own. One that had made this profile itself (its primary) is
    shut out instead: the username that it would get is this profile's, and stays it. To let it in again an administrator links it to
    the profile anew, or deletes the profile. Raises LinkRefused if the user has no such link.
    """
    with kit.store.unit() as unit:
        link = linking.take_link(unit, user, provider, subject)
        unit.refreshes.revoke(pool.id, user_sub=user.sub)
        # A browser that came in by this identity would otherwise stay signed in as somebody it no longer reaches.
        sessions = unit.sessions.of_upstream(pool.id, provider, link.subject_key)
        ended = [session.id for session in sessions if end_session(kit, unit, pool, session, revoke=True)]
    kit.audit(
        "identity.unlinked", "ok", "primary" if link.primary else "linked", {"sids": ended},
        pool_id=pool.id, provider=provider, user_sub=user.sub,
    )  # fmt: skip
