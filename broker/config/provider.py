"""`[[user_pool.provider]]`: an upstream connection. The keys here are common to all kinds; the others belong to the kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo

from broker.config.problems import Wrong
from broker.config.values import Contents, FetchedUrl, Host, Many, Secret, Table, dereference, surroundings


def _plain(value: object) -> bool:
    """True for what JSON can hold, because that is how options are stored. TOML also has dates, infinities and not-a-number."""
    if isinstance(value, dict):
        return all(_plain(each) for each in value.values())
    if isinstance(value, list):
        return all(_plain(each) for each in value)
    return isinstance(value, str | bool | int) or (isinstance(value, float) and value - value == 0)


def _option(value: object, info: ValidationInfo) -> object:
    if isinstance(value, dict) and set(value) in ({"env"}, {"file"}):
        return dereference(value, surroundings(info))
    if not _plain(value):
        raise Wrong("holds a date, an infinity or a not-a-number", "write it as a string or a plain number")
    return value


Option = Annotated[Any, BeforeValidator(_option)]


class Provider(Table):
    """An identity provider that users of the pool come from. Keys that are not listed here go to the provider's kind."""

    # The kinds own the rest of the keys, and check them against options classes of their own.
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Option]

    name: str = Field(
        min_length=1,
        max_length=32,
        description="Name in the pool, part of every user name that comes from it. Changing it makes new users.",
    )
    kind: str = Field(min_length=1, description="`saml`, `oidc`, or a row of the table of social providers: `google`, `github`, ...")
    display_name: str = Field("", max_length=128, description="What the button says; `name` if it is empty.")
    identifiers: Many[str] = Field(
        (), max_length=50, description="E-mail domains or other words that lead to this provider. Unique in the pool."
    )
    domains: Many[Host] = Field(
        (), description="E-mail domains that belong to the provider's organization. That they stand in this file is the proof."
    )
    mapping: dict[str, Option] = Field(
        default_factory=dict,
        description="Pool attribute on the left; on the right an attribute of theirs, a list of them (the first that is there), or "
        '`{ mapper = "NAME", ... }` with the keys of that mapper. `required = true` makes a sign-in fail without it.',
    )
    link_verified_email: bool = Field(
        False, description="Let a first sign-in join the profile that has the same address. Only verified addresses, only within `domains`."
    )
    state: Literal["draft", "live", "disabled"] = Field("live", description="Only a `live` provider signs anybody in.")
    client_secret: Secret | None = Field(None, repr=False, description="OAuth 2.0 and OpenID Connect: our secret at the provider.")
    private_key: Secret | None = Field(
        None, repr=False, description="Our private key (PEM) where the provider wants signatures instead of a secret."
    )
    metadata_file: Contents | None = Field(None, description="SAML: file with the IdP's metadata. Give exactly one of the three.")
    metadata_url: FetchedUrl | None = Field(
        None, description="SAML: address of the IdP's metadata, fetched anew every 6 hours or as it says itself."
    )
    metadata: str | None = Field(None, repr=False, description="SAML: the metadata itself.")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Without the kind's own keys: nobody here knows which of them are secret."""
        own = self.model_extra or {}
        return ((name, value) for name, value in super().__repr_args__() if name not in own)

    def own_options(self) -> dict[str, Any]:
        """The keys that belong to the kind."""
        return dict(self.model_extra or {})
