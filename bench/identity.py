"""From an ID token to credentials, and what a service behind `/authorize` pays for asking.

An exchange is GetId and GetCredentialsForIdentity. moto_server answers both from memory and checks nothing: no token, no role, no policy.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from bench import pools
from bench.hammer import hammer, request
from bench.logins import Crowd
from bench.party import Party
from bench.peers import moto_server
from bench.pools import LOGIN, MANY_RULES, ONE_RULE, Pools
from bench.results import Row, Run, median, spread
from bench.server import Server
from broker.gate import Gate
from broker.identitypool.policy.document import parse_policy
from broker.sigv4.keys import derive
from broker.sigv4.request import Scope

Case = tuple[Server, int, bytes | Sequence[bytes]]
USERS = 20
FEW = 1000


def run(run: Run) -> list[Row]:
    """Everything that is compared takes turns."""
    party = Party.write(run.folder)
    with ExitStack() as stack:
        ours = stack.enter_context(pools.serving(run.folder / "crossgate", party))
        token = Crowd(party, ours.broker).id_token(1)
        theirs, port = stack.enter_context(moto_server.serving(run.home, run.folder))
        rows = _exchanges(run, ours, token, (theirs, port))
        rows += _over_http(run, ours, token)
        keys = ours.keys(token)
    # The server has gone: the process that asks itself now has what it needs.
    rows += _in_process(run, ours, keys)
    return [*rows, *_crowded(run, party)]


def _turns(run: Run, cases: dict[str, Case]) -> dict[str, list[float]]:
    """Milliseconds of CPU a request of each case, by round."""
    for server, port, octets in cases.values():
        hammer(server, port, octets, seconds=1)
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(run.times(5, 2)):
        for name, (server, port, octets) in cases.items():
            found[name].append(hammer(server, port, octets, seconds=run.times(3, 1)).cpu_ms)
    return found


def _exchanges(run: Run, ours: Pools, token: str, peer: tuple[Server, int]) -> list[Row]:
    """Of a user who is known; of a guest, who is made anew each time, as moto_server makes everybody; and through many rules."""
    logins = {LOGIN: token}
    known, many = ours.keys(token).identity, ours.keys(token, MANY_RULES).identity
    guest = str(ours.call("GetId", {"IdentityPoolId": ONE_RULE})["IdentityId"])
    pool, identity = _at_moto(peer[1], logins)

    def here(operation: str, **values: object) -> Case:
        return ours.server, ours.port, pools.octets(operation, values)

    def away(operation: str, **values: object) -> Case:
        return *peer, pools.octets(operation, values, moto_server.SIGNED)

    found = _turns(
        run,
        {
            "id": here("GetId", IdentityPoolId=ONE_RULE, Logins=logins),
            "keys": here("GetCredentialsForIdentity", IdentityId=known, Logins=logins),
            "keys, many rules": here("GetCredentialsForIdentity", IdentityId=many, Logins=logins),
            "guest's id": here("GetId", IdentityPoolId=ONE_RULE),
            "guest's keys": here("GetCredentialsForIdentity", IdentityId=guest),
            "moto's id": away("GetId", IdentityPoolId=pool, Logins=logins),
            "moto's keys": away("GetCredentialsForIdentity", IdentityId=identity, Logins=logins),
        },
    )
    both = {
        who: [first + second for first, second in zip(found[f"{who}id"], found[f"{who}keys"], strict=True)]
        for who in ("", "guest's ", "moto's ")
    }
    rows = [
        Row(
            f"exchange of {whom}, CPU against moto_server",
            spread(both[who]),
            spread(both["moto's "]),
            median(both[who]) / median(both["moto's "]),
            "<= 1",
        )
        for who, whom in (("", "a token"), ("guest's ", "a new guest"))
    ]
    ratio = median(found["keys, many rules"]) / median(found["keys"])
    what = f"GetCredentialsForIdentity, CPU: the last of {pools.RULES} rules against one rule"
    return [*rows, Row(what, spread(found["keys, many rules"]), spread(found["keys"]), ratio, "<= 1.3")]


def _at_moto(port: int, logins: dict[str, str]) -> tuple[str, str]:
    """A pool there, and an identity in it."""
    pool = moto_server.call(port, "CreateIdentityPool", {"IdentityPoolName": "Bench", "AllowUnauthenticatedIdentities": True})
    identity = moto_server.call(port, "GetId", {"IdentityPoolId": pool["IdentityPoolId"], "Logins": logins})
    return str(pool["IdentityPoolId"]), str(identity["IdentityId"])


def _over_http(run: Run, ours: Pools, token: str) -> list[Row]:
    """As nginx asks, against the broker's /healthz; and against that of the same port, which is next to nothing."""
    public = request("GET", "/healthz", {"Host": "broker.example.org", "X-Forwarded-Proto": "https"})
    found = _turns(
        run,
        {
            "authorize": (ours.server, ours.authorize, pools.authorize(ours.keys(token).client)),
            "healthz": (ours.server, ours.port, public),
            "nothing": (ours.server, ours.authorize, request("GET", "/healthz", {"Host": "broker.example.org"})),
        },
    )
    cost, health, nothing = (median(found[name]) for name in ("authorize", "healthz", "nothing"))
    return [
        Row("/authorize over HTTP, CPU against /healthz", spread(found["authorize"]), spread(found["healthz"]), cost / health, "<= 3"),
        Row("/authorize over HTTP, CPU against the bare server", spread(found["authorize"]), spread(found["nothing"]), cost / nothing),
    ]


def _in_process(run: Run, ours: Pools, keys: pools.Keys) -> list[Row]:
    """Gate.authorize against what it cannot do without: the chain of HMACs over the canonical request, and the role's policy parsed."""
    gate = Gate.open(ours.config)
    signed = pools.signed(keys.client)
    headers = list(signed.headers)
    url = f"https://{pools.HOST}{signed.path_raw}"
    stamp = next(value for name, value in headers if name == "X-Amz-Date")
    names = sorted(name.lower() for name, _ in headers if name.lower() not in {"authorization", "user-agent"})
    values = {name.lower(): value for name, value in headers}
    secret, scope = keys.client.secret, Scope(stamp[:8], pools.REGION, "execute-api")

    def judged() -> bool:
        return gate.authorize("GET", url, headers, b"").allowed

    def chain() -> bool:
        lines = "".join(f"{name}:{values[name]}\n" for name in names)
        text = f"GET\n{signed.path_raw}\n\n{lines}\n{';'.join(names)}\n{hashlib.sha256(b'').hexdigest()}"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(text.encode()).hexdigest()}"
        return values["authorization"].endswith(hmac.digest(derive(secret, scope), to_sign.encode(), "sha256").hex())

    def bare() -> bool:
        return chain() and bool(parse_policy(pools.POLICY, "identity").statements)

    cases = {"judged": judged, "bare": bare, "chain": chain}
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(run.times(9, 3)):
        for name, case in cases.items():
            found[name].append(_timed(case, run.times(2000, 500)))
    cost, least, hmacs = (median(found[name]) for name in cases)
    return [
        Row("Gate.authorize, CPU against HMAC chain and policy parse", f"{cost:.0f} us", f"{least:.0f} us", cost / least, "<= 3"),
        Row("Gate.authorize, CPU against the HMAC chain alone", f"{cost:.0f} us", f"{hmacs:.0f} us", cost / hmacs),
    ]


def _timed(case: Callable[[], bool], calls: int) -> float:
    """Microseconds of CPU a call. Raises RuntimeError if it says no."""
    if not case():
        raise RuntimeError("not allowed")
    started = time.process_time()
    for _ in range(calls):
        case()
    return (time.process_time() - started) / calls * 1e6


def _crowded(run: Run, party: Party) -> list[Row]:
    """1,000 and 1,000,000 identities in a pool; those who come are anywhere among them."""
    many = run.times(1_000_000, 50_000)
    tokens: dict[int, list[str]] = {}
    for number in (FEW, many):
        folder = run.folder / f"identities-{number}"
        with pools.serving(folder, party) as ours:
            crowd = Crowd(party, ours.broker)
            tokens[number] = [crowd.id_token(user) for user in range(USERS)]
            for token in tokens[number]:
                ours.keys(token)
        fill(folder / "crossgate.db", number)
    with ExitStack() as stack:
        cases: dict[str, Case] = {}
        for number in (FEW, many):
            ours = stack.enter_context(pools.serving(run.folder / f"identities-{number}", party))
            calls = []
            for token in tokens[number]:
                logins = {LOGIN: token}
                calls.append(pools.octets("GetId", {"IdentityPoolId": ONE_RULE, "Logins": logins}))
                calls.append(pools.octets("GetCredentialsForIdentity", {"IdentityId": ours.keys(token).identity, "Logins": logins}))
            cases[str(number)] = (ours.server, ours.port, calls)
        found = _turns(run, cases)
    large, small = found[str(many)], found[str(FEW)]
    # Both calls alternate, so an exchange is two of them.
    doubled = [[2 * cost for cost in each] for each in (large, small)]
    return [
        Row(
            f"CPU per exchange, {many:,} identities against {FEW:,}",
            spread(doubled[0]),
            spread(doubled[1]),
            median(large) / median(small),
            "<= 1.2",
        )
    ]


def fill(database: Path, identities: int) -> None:
    """Copy an identity that is there, with its login, until there are so many in the pool."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        there = "SELECT count(*) FROM pool_identities WHERE pool_id = ?"
        more = identities - int(connection.execute(there, (ONE_RULE,)).fetchone()[0])
        # In the order of the key: the tables grow at their end then.
        ids = sorted(f"{pools.REGION}:{uuid.uuid4()}" for _ in range(more))
        first = connection.execute("SELECT id FROM pool_identities WHERE pool_id = ?", (ONE_RULE,)).fetchone()[0]
        with connection:
            for table, column in (("pool_identities", "id"), ("pool_logins", "identity_id")):
                names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                row = connection.execute(f"SELECT * FROM {table} WHERE {column} = ?", (first,)).fetchone()
                subject = connection.execute("SELECT subject FROM pool_logins WHERE identity_id = ?", (first,)).fetchone()[0]
                marks = ", ".join("?" * len(names))
                copies = (tuple(_as(value, (first, other), (subject, f"{other[10:]}x")) for value in row) for other in ids)
                connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", copies)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _as(value: object, *changes: tuple[str, str]) -> object:
    if isinstance(value, str):
        for old, new in changes:
            value = value.replace(old, new)
    return value
