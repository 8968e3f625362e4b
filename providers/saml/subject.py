"""A NameID, and the key by which the same person is found again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from metadata.saml.names import NAME_ID_PERSISTENT, NAME_ID_TRANSIENT


@dataclass(frozen=True, slots=True)
class NameId:
    """A NameID as the IdP sent it; a Format that was left out reads unspecified (saml-core-2.0-os, 8.3.1)."""

    value: str
    format: str
    name_qualifier: str = ""
    sp_name_qualifier: str = ""

    @property
    def transient(self) -> bool:
        """Made for one session: never a key to link by (F6)."""
        return self.format == NAME_ID_TRANSIENT

    def key(self, idp: str, sp: str) -> str:
        """Format, qualifiers and value as one exact, case-sensitive string: equal values of other kinds are other people (F2, F7).

        For a persistent id a qualifier that was left out means the IdP's and our own entity id (core 8.3.7), so those read as left out.
        """
        name, ours = self.name_qualifier, self.sp_name_qualifier
        if self.format == NAME_ID_PERSISTENT:
            name, ours = "" if name == idp else name, "" if ours == sp else ours
        return json.dumps([self.format, name, ours, self.value], ensure_ascii=False, separators=(",", ":"))

    def fields(self) -> dict[str, str]:
        """As it is kept with a session, to be sent back at logout."""
        found = {
            "value": self.value,
            "format": self.format,
            "name_qualifier": self.name_qualifier,
            "sp_name_qualifier": self.sp_name_qualifier,
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> NameId:
        """The NameID of a kept session. Raises KeyError if it has no value or format."""
        return cls(fields["value"], fields["format"], fields.get("name_qualifier", ""), fields.get("sp_name_qualifier", ""))
