"""All ways to a role: those that enter it, and those that enter a role from which it can be assumed, over any number of steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from broker.identitypool.reach.direct import direct
from broker.identitypool.reach.entries import entries
from broker.identitypool.reach.path import Path
from broker.identitypool.reach.world import World


def paths_to(world: World, role_arn: str) -> tuple[Path, ...]:
    """Sorted. Of a chain, every step is a path of its own (`assume_role`), and so is every way into the roles along it; `then` is the
    shortest rest of the chain. What is blocked is listed for the role itself alone."""
    onward: dict[str, tuple[str, ...]] = {role_arn: ()}
    waiting, found = [role_arn], []
    while waiting:
        target = waiting.pop(0)
        for path in (*entries(world, target), *direct(world, target)):
            if path.blocked and target != role_arn:
                continue
            found.append(replace(path, then=onward[target]))
            if path.kind == "assume_role" and not path.blocked and path.source not in onward:
                onward[path.source] = (target, *onward[target])
                waiting.append(path.source)
    return tuple(sorted(dict.fromkeys(found), key=lambda path: path.order))


def new_paths(baseline: Iterable[Path], paths: Iterable[Path]) -> tuple[Path, ...]:
    """The open ways that no open way of the baseline covers: by them somebody could come who could not before."""
    before = [path for path in baseline if not path.blocked]
    return tuple(path for path in paths if not path.blocked and not any(old.covers(path) for old in before))
