"""Debian's Chromium, the pages to look at, and the demo to walk through."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from broker.demo.layout import Layout
from broker.demo.stage import everyone
from tests.browser.preview import make_preview

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Quiet(WSGIRequestHandler):
    """Keeps requests out of the test's output."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: apt-get install chromium, or leave these tests out with -m 'not browser'", pytrace=False)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def preview() -> Iterator[str]:
    """The address of the sample pages."""
    server = make_server("127.0.0.1", 0, make_preview("http://127.0.0.1"), threaded=True, request_handler=Quiet)
    base = f"http://127.0.0.1:{server.server_port}"
    server.app = make_preview(base)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield base
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture(scope="session")
def demo() -> Iterator[Layout]:
    """The whole demo, with a real broker."""
    with everyone() as layout:
        yield layout


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go; set CROSSGATE_SCREENSHOTS to keep them."""
    kept = os.environ.get("CROSSGATE_SCREENSHOTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
