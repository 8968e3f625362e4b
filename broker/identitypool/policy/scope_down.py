"""The two session policies that bound guests in the enhanced flow, unless an identity pool has its own (spec D.11, row IP-S1.3).

What they list is data: the files beside this module. A guest's rights are what the role and either of the two allow, as they form one set.
"""

from __future__ import annotations

from importlib.resources import files

_HERE = files(__package__)

GUEST_INLINE = _HERE.joinpath("guest_inline.json").read_text(encoding="utf-8")
GUEST_MANAGED = _HERE.joinpath("guest_managed.json").read_text(encoding="utf-8")


def guest_session_policies(inline: str | None, managed: str | None) -> tuple[str, ...]:
    """The documents for a pool's guests: its own where it has one (`IdentityPool.guest_inline_policy`), else the defaults.

    An operator who wrote one of his own gets no second one of ours: together they are one set, so it would widen what his allows.
    """
    if inline is not None:
        return (inline,) if managed is None else (inline, managed)
    return GUEST_INLINE, GUEST_MANAGED if managed is None else managed
