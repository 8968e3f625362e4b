"""The cases: every way to spoil every part of every route once, in an order that the seed decides; then several at a time, for ever."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random

from tests.fuzz.routes import COOKIES, HEADERS, METHODS, ROUTES, Route
from tests.fuzz.values import HUGE_SPOIL, SPOILS
from tests.fuzz.wire import Letter, Pairs


@dataclass(frozen=True)
class Damage:
    """One part of a request and what is done to it. Places: query, form, header, cookie, path, method."""

    place: str
    name: str
    how: str

    def __str__(self) -> str:
        return f"{self.place} {self.name}: {self.how}".replace(" :", ":")


@dataclass(frozen=True)
class Case:
    """A numbered request; number and seed are enough to make it again."""

    number: int
    seed: int
    route: Route
    damages: tuple[Damage, ...]

    def spoil(self, honest: Letter) -> Letter:
        """The honest request with the damages done."""
        rng, letter = Random(f"{self.seed}/{self.number}"), deepcopy(honest)
        for damage in self.damages:
            _apply(letter, damage, rng)
        return letter

    def __str__(self) -> str:
        return f"case {self.number} of seed {self.seed}: {self.route.name}: {'; '.join(map(str, self.damages))}"


def _parts(route: Route) -> Iterator[tuple[str, str]]:
    yield from (("query", name) for name in (*route.query, "unknown"))
    if route.method == "POST":
        yield from (("form", name) for name in (*route.form, "unknown"))
    yield from (("header", name) for name in HEADERS)
    yield from (("cookie", name) for name in COOKIES)
    yield ("path", "")


def systematic() -> list[tuple[Route, Damage]]:
    """Everything once."""
    found = []
    for route in ROUTES:
        for place, name in _parts(route):
            found += [(route, Damage(place, name, how)) for how in SPOILS]
            if (place, name) in (("form", "unknown"), ("form", "SAMLResponse"), ("header", "Cookie"), ("query", "unknown")):
                found.append((route, Damage(place, name, "10 MB")))
        found += [(route, Damage("method", method, "instead")) for method in METHODS if method != route.method]
    return found


def cases(seed: int) -> Iterator[Case]:
    """Without end."""
    rng = Random(seed)
    # Parameters mostly come before headers, of which most routes read none.
    first = sorted(systematic(), key=lambda case: rng.random() * (4 if case[1].place == "header" else 1))
    for number, (route, damage) in enumerate(first):
        yield Case(number, seed, route, (damage,))
    by_route: dict[Route, list[Damage]] = {}
    for route, damage in first:
        if damage.how != "10 MB":
            by_route.setdefault(route, []).append(damage)
    number = len(first)
    while True:
        route = rng.choice(ROUTES)
        yield Case(number, seed, route, tuple(rng.choice(by_route[route]) for _ in range(rng.randint(1, 4))))
        number += 1


def _apply(letter: Letter, damage: Damage, rng: Random) -> None:
    spoil = HUGE_SPOIL if damage.how == "10 MB" else SPOILS.get(damage.how)
    if damage.place == "method":
        letter.method = damage.name
    elif spoil is None:
        raise ValueError(damage.how)
    elif damage.place == "path":
        letter.path = _printable(b"/".join([letter.path, *spoil(rng, b"x")]))
    elif damage.place == "cookie":
        _replace(letter.cookies, _cookie(letter.cookies, damage.name), [_without_ends(value) for value in spoil(rng, b"x" * 43)])
    else:
        if damage.place == "form" and letter.form is None:
            letter.form = []
        pairs = {"query": letter.query, "form": letter.form or [], "header": letter.headers}[damage.place]
        current = next((value for name, value in pairs if name == damage.name), b"")
        _replace(pairs, damage.name, spoil(rng, current))
        if damage.place == "form":
            letter.form = pairs


def _replace(pairs: Pairs, name: str, values: list[bytes]) -> None:
    at = next((i for i, (key, _) in enumerate(pairs) if key == name), len(pairs))
    pairs[:] = [pair for pair in pairs if pair[0] != name]
    pairs[at:at] = [(name, value) for value in values]


def _cookie(cookies: Pairs, kind: str) -> str:
    """The cookie's full name, which has the pool or the login in it; one that is not there gets a made-up name."""
    return next((name for name, _ in cookies if kind in name), f"cg-{kind}.fuzz" if kind != "cg-lang" else kind)


def _printable(path: bytes) -> bytes:
    """The request line must stay one line, or it is the next request that is broken."""
    return path[:9000].replace(b"\r", b"%0d").replace(b"\n", b"%0a").replace(b" ", b"%20")


def _without_ends(value: bytes) -> bytes:
    return value.replace(b"\r\n", b"")
