"""The parties that several modules share, each started when first asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.parties.kit import guide
from tests.parties.kit.agent import Agent
from tests.parties.kit.app import UNTIL
from tests.parties.kit.identity_pool import IdentityPools
from tests.parties.kit.places import free_port
from tests.parties.kit.process import sweep
from tests.parties.kit.simplesaml import SimpleSaml


@pytest.fixture(scope="session", autouse=True)
def nothing_left() -> Iterator[None]:
    """Whatever a failing fixture could not stop ends with the session. Under run.sh it is run.sh that sweeps."""
    yield
    if "CROSSGATE_PARTIES_RUN" not in os.environ:
        sweep()


@pytest.fixture(scope="session")
def ssp() -> Iterator[SimpleSaml]:
    """SimpleSAMLphp as identity provider."""
    with closing(SimpleSaml()) as party:
        yield party


@pytest.fixture(scope="session")
def pools() -> Iterator[IdentityPools]:
    """An identity pool, and the service that the guide guards. Writers may also write, from one address, and use a second service."""
    told = guide.tables(f"127.0.0.1:{free_port()}", "127.0.0.1")
    service = told["protected_service"][0]
    service["rules"].append(
        {
            "methods": ["PUT"],
            "path": "/reports/{department}/{report*}",
            "action": "reports:Write",
            "resource": "arn:aws:reports:::{department}",
        }
    )
    public = {"name": "public", "hosts": ["public.example.com"], "rules": [{"path": "/*", "action": "public:Any", "resource": "*"}]}
    told["protected_service"].append(public)
    write = {"Effect": "Allow", "Action": "reports:Write", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.1"}}}
    anything = {"Effect": "Allow", "Action": "public:Any", "Resource": "*"}
    documents = [guide.policy(), {"Version": "2012-10-17", "Statement": [write, anything]}]
    policies = [{"name": f"p{number}", "document": json.dumps(document)} for number, document in enumerate(documents)]
    roles = [{"name": "writer", "policies": policies}, {"name": "reader"}, {"name": "guest"}]
    with closing(IdentityPools("broker-pools", role=roles, **told)) as party:
        yield party
        assert party.broker.tracebacks() == []


@pytest.fixture
def agent() -> Agent:
    """A browser that knows nobody yet."""
    return Agent(UNTIL)
