"""A provider is built again when something that it is made of has changed, and only then."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from tests.fakes.broker import POOL, TestBroker
from tests.fakes.setup import TOML


def test_a_record_read_anew_builds_nothing_and_a_changed_one_does(tmp_path: Path) -> None:
    broker = TestBroker.start(tmp_path, TOML.replace("{issuer}", "https://op.example"))
    kit = broker.wired.kit
    pool, record = kit.settings.pool(POOL), kit.settings.provider(POOL, "corp")
    assert pool is not None
    assert record is not None
    built = kit.providers.get(pool, record)
    again = replace(record, options=deepcopy(dict(record.options)))
    assert again is not record
    assert kit.providers.get(pool, again) is built
    changed = replace(record, options={**record.options, "force_authn": True}, revision=record.revision)
    assert kit.providers.get(pool, changed) is not built
