"""Which operations are offered, from the tables themselves: `python -m broker.faces.aws.coverage > docs/reference/api-coverage.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from broker.faces.aws.catalog import Service, offered
from broker.faces.aws.operations.row import Operation

HEAD = """# AWS API coverage

<!-- Written by `python -m broker.faces.aws.coverage`; do not edit. -->

Every operation of `cognito-identity` and `sts`, and those of `iam` that are offered. *Signature*: the call must be signed
(SigV4), and its caller allowed to perform it; *none*: a signature is ignored. What is refused answers with
`InvalidAction` and the reason. How calls are made is in [AWS API](aws-api.md).
"""
AUTH = {"none": "none", "token": "access token", "sigv4": "signature"}


def pages() -> Iterator[str]:
    """The page, part by part."""
    yield HEAD
    for service in offered():
        yield "\n".join(_section(service)) + "\n"


def _section(service: Service) -> Iterator[str]:
    yield f"## `{service.name}` {service.model.version}"
    yield ""
    yield "| Operation | Called with | Offered |"
    yield "|---|---|---|"
    for name in sorted(service.model.operations):
        row = service.operations.get(name)
        yield f"| `{name}` | {AUTH[row.auth] if row else ''} | {_offer(row) if row else f'refused: {service.refused[name]}'} |"


def _offer(row: Operation) -> str:
    return f"full, but {row.unlike}" if row.unlike else "full"


if __name__ == "__main__":
    sys.stdout.write("\n".join(pages()))
