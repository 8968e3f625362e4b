"""A call as it came, and an answer as it goes, without the web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from broker.faces.aws.refusals import Unreadable

# Ten logins of 50,000 characters (API `GetId`), and JSON around them.
MAX_BODY = 600 * 1024
MAX_QUERY = 16 * 1024
# Fifty tags and what else a query call may have; each parameter costs a walk through the model.
MAX_PARAMETERS = 600

JSON_TYPES = frozenset({"application/x-amz-json-1.1", "application/x-amz-json-1.0", "application/json"})
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """`path_raw` and `query_raw` as on the wire, `headers` with every occurrence; `address` is the client's, as far as we believe it."""

    method: str
    path_raw: str
    query_raw: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str
    address: str = ""
    secure: bool = False

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def around(self) -> dict[str, str]:
        """Context keys for policies that only the wire knows (spec F.4)."""
        found = {"aws:SecureTransport": "true" if self.secure else "false"}
        if self.address:
            found["aws:SourceIp"] = self.address
        agent = self.header("user-agent")
        return found | ({"aws:UserAgent": agent[:512]} if agent else {})

    def parameters(self) -> dict[str, str]:
        """The form of a POST, or the query of a GET. Raises Unreadable for a doubled parameter, or too many."""
        octets = self.query_raw.encode("latin-1") if self.method == "GET" else self.body
        if len(octets) > (MAX_QUERY if self.method == "GET" else MAX_BODY):
            raise Unreadable(f"{len(octets)} bytes of parameters")
        try:
            pairs = parse_qsl(octets.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
        except ValueError:
            raise Unreadable("parameters are not UTF-8, or too many") from None
        found = dict(pairs)
        if len(found) != len(pairs):
            # Which of the two counts is anybody's guess.
            raise Unreadable("a parameter came twice", public="A parameter was sent more than once.")
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
