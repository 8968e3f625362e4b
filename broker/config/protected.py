"""`[authorize]` and `[[protected_service]]`: the services behind us whose requests we judge."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from broker.config.problems import Wrong
from broker.config.values import Bind, Kind, Many, Table, matching
from broker.identitypool.protected import PathPattern

ServiceHost = Annotated[
    str,
    matching(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?", "is not a host", "write a host name, with a port where clients name one"),
    Kind("host"),
]
Method = Annotated[str, matching(r"[A-Z]{1,20}", "is not a method", "write it in capitals, like GET"), Kind("string")]
Action = Annotated[str, matching(r"[a-z0-9-]{1,64}:[A-Za-z0-9]{1,128}", "is not an action", "write it like reports:Read"), Kind("string")]
Scope = Annotated[str, matching(r"[a-z0-9-]{1,64}", "is not the name of a service", "write it like execute-api"), Kind("string")]


def _pattern(text: str) -> str:
    try:
        PathPattern.parse(text)
    except ValueError as error:
        raise Wrong(str(error), "write it like /reports/{department}/{rest*}") from None
    return text


class Route(Table):
    """`{ methods = ["GET"], path = "/reports/{department}", action = "reports:Read", resource = "arn:aws:reports:::{department}" }`."""

    methods: Many[Method] = Field((), description="Methods; all of them if empty.")
    path: Annotated[str, AfterValidator(_pattern), Kind("path pattern")] = Field(
        description="`{name}` takes one segment, `{name*}` at the end all that is left, `*` the same without a name."
    )
    action: Action = Field(description="Action of policies, `SERVICE:NAME`.")
    resource: str = Field(min_length=1, max_length=2048, description="ARN of policies; captures of the path stand in braces.")


class ProtectedService(Table):
    """A service whose clients sign with credentials from here. A request that no rule takes is denied."""

    name: str = Field(min_length=1, max_length=64, description="For people, the log and the answer.")
    hosts: Many[ServiceHost] = Field(min_length=1, description="Host names under which clients reach it: they have signed it.")
    signed_for: Scope = Field("execute-api", description="Service name in the scope of signatures.")
    rules: Many[Route] = Field(min_length=1, description="What a request means. The first that takes it decides.")
    unsigned_payload: bool = Field(False, description="Take requests whose body is not signed. Anybody on the way may have changed it.")
    streaming: bool = Field(False, description="Take bodies signed chunk by chunk. A proxy's sub-request cannot verify them.")
    presigned: bool = Field(True, description="Take signatures in the query.")


class Authorize(Table):
    """Where proxies ask whether a request may pass (nginx `auth_request`, Envoy `ext_authz`)."""

    bind: Bind | None = Field(
        None, description="Address for `/authorize`, apart from the rest: keep it private. Without it there is none. `HOST:PORT`."
    )
