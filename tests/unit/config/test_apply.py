"""Applying a file: twice is once, what vanished rests, what somebody else owns stays his, and metadata is kept fresh around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker import config
from broker.flows.pool.apply import apply
from broker.flows.pool.report import ApplyReport
from broker.model.settings import ProviderRecord
from broker.stores.sql.migrate import migrate
from broker.wiring import Wired, build

POOL = '[[user_pool]]\nid = "eu_Demo"\n'
CLIENT = '[[user_pool.client]]\nid = "app"\nsecret = "s"\nredirect_uris = ["https://app.example/cb"]\n'
HUB = '[[user_pool.provider]]\nname = "Hub"\nkind = "github"\nclient_id = "c"\nclient_secret = "s"\nidentifiers = ["hub.example"]\n'
REST = '[[user_pool.group]]\nname = "g"\n[[user_pool.resource_server]]\nidentifier = "api"\nscopes = [{ name = "read" }]\n'
ALL = POOL + CLIENT + HUB + REST
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class House:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "crossgate.toml"
        loaded = config.loads("", self.path, {})
        migrate(loaded.store.url)
        self.wired: Wired = build(loaded)

    def apply(self, text: str, *, prune: bool = False) -> ApplyReport:
        return apply(self.wired.store, config.declare(config.loads(text, self.path, {})), prune=prune)

    def provider(self, name: str = "Hub", pool: str = "eu_Demo") -> ProviderRecord:
        with self.wired.store.unit() as unit:
            record = unit.providers.get(pool, name)
        assert record is not None
        return record


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def actions(report: ApplyReport) -> dict[str, str]:
    return {f"{change.kind} {change.name}": change.action for change in report.changes}


def test_the_second_time_nothing_is_written(house: House) -> None:
    assert set(actions(house.apply(ALL)).values()) == {"created"}
    assert set(actions(house.apply(ALL)).values()) == {"unchanged"}
    assert house.provider().revision == 1


def test_a_change_counts_the_revision_and_keeps_the_id(house: House) -> None:
    house.apply(ALL)
    before = house.provider()
    report = house.apply(ALL.replace('client_id = "c"', 'client_id = "other"'))
    assert actions(report)["provider Hub"] == "changed"
    assert (house.provider().id, house.provider().revision) == (before.id, 2)
    report = house.apply(ALL.replace('client_secret = "s"', 'client_secret = "new"').replace('client_id = "c"', 'client_id = "other"'))
    assert actions(report) == {
        "user_pool eu_Demo": "unchanged",
        "resource_server api": "unchanged",
        "group g": "unchanged",
        "provider Hub": "changed",
        "client app": "unchanged",
    }
    assert house.provider().secrets == {"client_secret": "new"}


def test_what_vanishes_rests_and_comes_back(house: House) -> None:
    house.apply(ALL)
    left = actions(house.apply(POOL))
    assert left["client app"] == left["provider Hub"] == "disabled"
    assert left["group g"] == left["resource_server api"] == "deleted"
    with house.wired.store.unit() as unit:
        client = unit.clients.get("eu_Demo", "app")
    assert client is not None
    assert not client.enabled
    assert house.provider().state == "disabled"
    assert set(actions(house.apply(POOL)).values()) == {"unchanged"}
    house.apply(ALL)
    assert (house.provider().state, house.provider().identifiers) == ("live", ("hub.example",))


def test_prune_deletes_what_vanished(house: House) -> None:
    house.apply(ALL)
    assert actions(house.apply(POOL, prune=True))["provider Hub"] == "deleted"
    with house.wired.store.unit() as unit:
        assert unit.providers.get("eu_Demo", "Hub") is None
        assert unit.clients.find("client_id", "app") is None


def test_a_pool_that_vanishes_rests_with_all_that_is_in_it(house: House) -> None:
    house.apply(ALL.replace(POOL, POOL + 'domain = "demo.example"\n'))
    assert actions(house.apply(""))["user_pool eu_Demo"] == "disabled"
    with house.wired.store.unit() as unit:
        pool = unit.pools.get("eu_Demo", "eu_Demo")
        assert pool is not None
        assert not pool.enabled
        assert unit.pools.find("host", "demo.example") is None
    # Its host is free for another at once, in the same run even.
    assert not house.apply('[[user_pool]]\nid = "eu_Two"\ndomain = "demo.example"\n').refused
    assert actions(house.apply("", prune=True))["user_pool eu_Demo"] == "deleted"


def test_what_somebody_else_owns_is_left_alone(house: House) -> None:
    house.apply(ALL)
    with house.wired.store.unit() as unit:
        unit.providers.put(replace(house.provider(), owner="api", display_name="by API"))
    report = house.apply(ALL.replace('client_id = "c"', 'client_id = "other"'))
    assert [change.name for change in report.refused] == ["Hub"]
    assert house.provider().display_name == "by API"
    assert "provider Hub" not in actions(house.apply(POOL + CLIENT, prune=True))


def test_an_identifier_that_an_api_record_holds_is_refused_and_the_rest_applied(house: House) -> None:
    house.apply(ALL)
    with house.wired.store.unit() as unit:
        unit.providers.put(replace(house.provider(), id="x", name="Theirs", owner="api", identifiers=("taken.example",)))
    report = house.apply(ALL + HUB.replace("Hub", "New").replace("hub.example", "taken.example"))
    # A table of the same pool, although it stands after others.
    assert [(change.kind, change.name) for change in report.refused] == [("provider", "New")]
    assert "taken.example" in report.refused[0].reason
    assert actions(report)["client app"] == "unchanged"


def test_providers_exchange_identifiers_in_one_go(house: House) -> None:
    two = ALL + HUB.replace("Hub", "Two").replace("hub.example", "two.example")
    house.apply(two)
    swapped = two.replace("hub.example", "x").replace("two.example", "hub.example").replace('"x"', '"two.example"')
    assert not house.apply(swapped).refused
    with house.wired.store.unit() as unit:
        found = unit.providers.find("identifier", "hub.example", "eu_Demo")
    assert found is not None
    assert found.name == "Two"
    assert set(actions(house.apply(swapped)).values()) == {"unchanged"}


def test_a_provider_that_its_kind_refuses_is_not_written(house: House) -> None:
    declared = config.declare(config.loads(ALL, house.path, {}))
    broken = replace(declared, providers=(replace(declared.providers[0], options={"client_id": "c", "nonsense": 1}),))
    report = apply(house.wired.store, broken, prune=False)
    assert actions(report)["provider Hub"] == "refused"
    assert "nonsense" in report.refused[0].reason
    assert actions(report)["client app"] == "created"


def test_more_records_than_a_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.flows.pool.apply.PAGE", 2)
    groups = "".join(f'[[user_pool.group]]\nname = "g{number}"\n' for number in range(7))
    pools = "".join(f'[[user_pool]]\nid = "eu_P{number}"\n' for number in range(5))
    house.apply(POOL + groups + pools)
    assert sum(change.action == "deleted" for change in house.apply(POOL + pools).changes) == 7
    assert sum(change.action == "disabled" for change in house.apply(POOL).changes) == 5
