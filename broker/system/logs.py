"""Log lines with structlog: text for people, or one JSON object a line. Request ids come from the context."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from broker.web.context import label_log

# Libraries that tell secrets at DEBUG (code verifiers, tokens, form bodies) stay quiet whatever the level (OA-R3.8, P3.13).
TALKATIVE = ("authlib", "urllib3", "requests", "saml2", "werkzeug", "httpx", "sqlalchemy", "alembic", "xmlschema")


class StandardError:
    """Standard error as it is when a line is written. Loggers are kept: one that held the stream of its first line would fail once that is
    closed, as a command's is that ran inside a test."""

    def write(self, text: str) -> None:
        """Write it."""
        sys.stderr.write(text)

    def flush(self) -> None:
        """Let nothing wait."""
        sys.stderr.flush()


def configure(level: str, form: str) -> None:
    """`level` as in `[log] level`; `form` is "text" or "json"."""
    number = getattr(logging, level.upper())
    out: Any = StandardError()
    logging.basicConfig(stream=out, level=number, format="%(levelname)s %(name)s %(message)s", force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    last: Any = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            label_log,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=out),
        cache_logger_on_first_use=True,
    )
