"""A folder with a configuration, a database and the command line in it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from broker.cli import crossgate
from broker.config import load
from broker.stores.sql.migrate import migrate
from broker.wiring import Wired, build

POOL = '[[user_pool]]\nid = "eu_Demo"\n'
CLIENT = '[[user_pool.client]]\nid = "app"\nsecret = "s"\nredirect_uris = ["https://app.example/cb"]\nproviders = ["Hub"]\n'
HUB = '[[user_pool.provider]]\nname = "Hub"\nkind = "github"\nclient_id = "c"\nclient_secret = "hush"\nidentifiers = ["hub.example"]\n'
DEMO = POOL + CLIENT + HUB


class Room:
    """`run` calls a command on this room's file, which `write` has written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "crossgate.toml"
        self.write(DEMO)

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def migrated(self) -> Room:
        migrate(f"sqlite:///{self.folder}/crossgate.db")
        return self

    def wired(self) -> Wired:
        return build(load(self.file, {}))

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(crossgate, words, prog_name="crossgate", env={"CROSSGATE_CONFIG": str(self.file)})
