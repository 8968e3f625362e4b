"""The settings of a SAML provider, checked when they are saved rather than when somebody signs in."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from providers.base import ProviderSpec
from providers.errors import ProviderMisconfigured
from providers.oauth.settings import plain_words

SignaturePolicy = Literal["assertion", "response", "both", "either"]
Comparison = Literal["exact", "minimum", "maximum", "better"]


def _words(value: Any) -> Any:
    return tuple(value.split()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class SamlOptions(BaseModel):
    """`ProviderSpec.options` of kind "saml". Lists may also be written as words in one string.

    metadata: the IdP's metadata as XML text (the broker has read the file or fetched the URL; `metadata_file` with the XML means the
    same). entity_id: pins the IdP's entity id, and picks it where the document describes several. metadata_certificate: PEM; the
    document must be signed with its key. signature_policy: what must be signed. Any signature that is there must verify, whatever the
    policy says. allow_aes_cbc: CBC has no integrity of its own; turn it off where the IdP can do GCM. authn_context,
    authn_context_comparison: what is asked for and then demanded of the answer. For a comparison other than "exact" there is no order
    of strength that everybody shares, so `authn_context_accept` names the other classes that satisfy it. force_authn: the IdP must ask
    the user anew each time, and the answer must show that it did. request_max_age_seconds: how long after the request its answer is
    taken; unsolicited_max_age_seconds: how old an answer that nobody asked for may be (spec B.6, item 7). max_response_bytes:
    characters of the SAMLResponse field. allow_name_id_as_attribute: file the NameID's value among the attributes, under "NameID", so
    that it can be mapped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metadata: str = Field(min_length=1, repr=False, validation_alias=AliasChoices("metadata", "metadata_file"))
    metadata_url: str = ""
    metadata_certificate: str | None = None
    entity_id: str | None = Field(default=None, min_length=1, max_length=1024)
    sign_requests: bool = True
    request_binding: Literal["redirect", "post"] | None = None
    idp_initiated: bool = False
    signature_policy: SignaturePolicy = "either"
    want_encrypted: bool = False
    allow_sha1: bool = False
    allow_aes_cbc: bool = True
    name_id_format: str | None = Field(default=None, max_length=256)
    authn_context: Words = Field(default=(), max_length=10)
    authn_context_comparison: Comparison = "exact"
    authn_context_accept: Words = Field(default=(), max_length=30)
    force_authn: bool = False
    clock_skew_seconds: int = Field(default=60, ge=0, le=300)
    request_max_age_seconds: int = Field(default=300, ge=30, le=3600)
    unsolicited_max_age_seconds: int = Field(default=360, ge=30, le=3600)
    max_response_bytes: int = Field(default=100_000, ge=10_000, le=1_000_000)
    sign_out: bool = False
    allow_name_id_as_attribute: bool = True

    @cached_property
    def skew(self) -> timedelta:
        """What two clocks may differ."""
        return timedelta(seconds=self.clock_skew_seconds)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.authn_context_accept and not self.authn_context:
            raise ValueError("authn_context_accept needs authn_context")
        if self.authn_context_comparison == "better" and self.authn_context and not self.authn_context_accept:
            raise ValueError('authn_context_comparison "better" needs authn_context_accept: the classes that are better')
        if self.authn_context_comparison == "exact" and self.authn_context_accept:
            raise ValueError('authn_context_accept does not go with authn_context_comparison "exact"')
        return self

    @cached_property
    def accepted_contexts(self) -> frozenset[str]:
        """The classes that an answer may name; empty means any."""
        asked = () if self.authn_context_comparison == "better" else self.authn_context
        return frozenset((*asked, *self.authn_context_accept))


def read_options(spec: ProviderSpec) -> SamlOptions:
    """The options of this spec. Raises ProviderMisconfigured, whose private half names the option and the remedy."""
    try:
        options = SamlOptions.model_validate(dict(spec.options))
    except ValidationError as e:
        raise ProviderMisconfigured(plain_words(e), reason="options_invalid") from None
    if not spec.entity_id or not spec.callback_urls:
        raise ProviderMisconfigured("our own entity id and callback URL are not set", reason="options_invalid")
    if (options.sign_requests or options.sign_out) and spec.signing_key is None:
        raise ProviderMisconfigured("signing is on, but the pool has no SAML signing key", reason="signing_key_missing")
    if options.want_encrypted and not spec.decryption_keys:
        raise ProviderMisconfigured("want_encrypted is on, but the pool has no SAML decryption key", reason="decryption_key_missing")
    return options
