"""One SAML 2.0 identity provider of one user pool."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from metadata.errors import DocumentInvalid
from metadata.saml.entity import Endpoint, IdpEntity
from metadata.saml.keys import private_key
from metadata.saml.parse import Reading, parse_idp
from providers.base import (
    Burn,
    Inbound,
    LoginAsk,
    LoginStart,
    LogoutNotice,
    ProviderSpec,
    Toolbox,
    UpstreamIdentity,
    UpstreamSession,
)
from providers.errors import ProviderMisconfigured
from providers.saml.authn_request import authn_request
from providers.saml.decrypt import load_decryption_keys
from providers.saml.delivery import take_post
from providers.saml.expected import Expected, refuse
from providers.saml.identity import burn_key, make_identity
from providers.saml.logout import Demand, read_logout_request, read_logout_response
from providers.saml.memo import Memo
from providers.saml.options import SamlOptions, read_options
from providers.saml.outgoing import Letter, Sender, logout_request, logout_response, send
from providers.saml.reader import read_response
from providers.saml.subject import NameId


class SamlProvider:
    """Implements `Provider` and `LogsOut`.

    Metadata and keys are read once, in the constructor, and nothing changes after it: threads may share an instance, and a changed spec
    needs a new one. `entity` is the IdP as its metadata describes it; `warnings` are for the admin.
    """

    def __init__(self, spec: ProviderSpec, options: SamlOptions, entity: IdpEntity, tools: Toolbox) -> None:
        self.spec = spec
        self.options = options
        self.entity = entity
        self._tools = tools
        self._decryption_keys = load_decryption_keys(spec.decryption_keys)

    @classmethod
    def from_spec(cls, spec: ProviderSpec, tools: Toolbox) -> SamlProvider:
        """Check the settings and the metadata. Raises ProviderMisconfigured, whose private half says what to do."""
        options = read_options(spec)
        how = Reading(
            now=tools.clock(),
            entity_id=options.entity_id,
            pinned_certificate=options.metadata_certificate,
            allow_expired=True,  # a certificate's end stops nothing at the IdP; setting up a provider is stricter (spec B.6)
            plain_http=spec.operator_declared,
        )
        try:
            entity = parse_idp(options.metadata, how)
            if spec.signing_key is not None:
                private_key(spec.signing_key.private_pem, spec.signing_key.certificate_pem)
        except DocumentInvalid as error:
            raise ProviderMisconfigured(f"{error.public} ({error.private})", reason=error.code) from None
        _refuse_loop(spec, entity)
        return cls(spec, options, entity, tools)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the admin should know: of the metadata's certificates, and of settings that weaken the checks."""
        sha1 = ("This provider accepts SHA-1 signatures, which can be forged.",) if self.options.allow_sha1 else ()
        return (*self.entity.warnings, *sha1)

    def start(self, ask: LoginAsk) -> LoginStart:
        """Send the browser to the IdP with an AuthnRequest. Raises ProviderMisconfigured.

        `prompt=login` and any `max_age` become ForceAuthn (SAML has no max_age, so asking anew is what surely satisfies it);
        `prompt=none` becomes IsPassive. The answer is held to all of it.
        """
        now = self._usable_now()
        if ask.callback_url not in self.spec.callback_urls:
            raise ProviderMisconfigured("the callback URL is not one of this pool's", reason="callback_url_unknown")
        endpoint = self._endpoint(self.entity.sso, self.options.request_binding)
        if endpoint is None:
            raise ProviderMisconfigured(f"the IdP offers no sign-in by {self.options.request_binding}", reason="no_sso_binding")
        memo = Memo(
            request_id=self._message_id(),
            entity_id=self.entity.entity_id,
            callback_url=ask.callback_url,
            sent_at=now.replace(microsecond=0),
            force_authn=self.options.force_authn or "login" in ask.prompt or ask.max_age is not None,
            authn_context=self.options.authn_context,
            max_age=ask.max_age,
        )
        signed = self.options.sign_requests or (self.entity.want_authn_requests_signed and self.spec.signing_key is not None)
        letter = Letter(endpoint, "SAMLRequest", ask.handle, memo.dump(), signed=signed)
        request = authn_request(self.spec.entity_id, endpoint.location, memo, self.options, passive="none" in ask.prompt)
        return send(self._sender, request, letter)

    def finish(self, memo: bytes | None, inbound: Inbound) -> UpstreamIdentity:
        """Verify a Response that came to our ACS by POST. Raises ResponseInvalid, UpstreamRefused, ProviderMisconfigured."""
        want = self._expected(inbound, Memo.load(memo) if memo is not None else None)
        if want.callback_url not in self.spec.callback_urls:
            refuse("callback_mismatch", "not an ACS of this pool")
        xml = take_post(inbound, "SAMLResponse", self.options.max_response_bytes)
        accepted = read_response(xml, want, self._decryption_keys)
        return make_identity(self.spec, accepted, want)

    def start_logout(self, session: UpstreamSession, handle: str, return_url: str) -> LoginStart | None:
        """A signed LogoutRequest for this session, or None: not set up (`sign_out`), no SLO at the IdP, or no NameID kept.

        `return_url` is the broker's to remember under `handle`; it never travels (I8). Raises ProviderMisconfigured.
        """
        endpoint = self._endpoint(self.entity.slo, None)
        if not self.options.sign_out or endpoint is None or not session.name_id:
            return None
        now = self._usable_now()
        memo = Memo(self._message_id(), self.entity.entity_id, "", now.replace(microsecond=0), kind="logout")
        letter = Letter(endpoint, "SAMLRequest", handle, memo.dump())
        name = NameId.from_fields(session.name_id)
        request = logout_request(self._sender, letter, memo.request_id, now, name, session.session_index)
        return send(self._sender, request, letter)

    def finish_logout(self, memo: bytes, inbound: Inbound) -> None:
        """Check the IdP's signed LogoutResponse. Raises ResponseInvalid, UpstreamRefused, ProviderMisconfigured."""
        sent = Memo.load(memo, "logout")
        read_logout_response(inbound, self._expected(inbound, None), sent)

    def receive_logout(self, inbound: Inbound) -> LogoutNotice:
        """Verify the IdP's own LogoutRequest; the reply is a signed LogoutResponse. Raises ResponseInvalid, ProviderMisconfigured."""
        want = self._expected(inbound, None)
        demand = read_logout_request(inbound, want)
        return LogoutNotice(
            issuer=self.entity.entity_id,
            subject_key=demand.name.key(self.entity.entity_id, self.spec.entity_id),
            session_indexes=demand.session_indexes,
            burns=(
                Burn(
                    burn_key("logout", self.spec.pool_id, self.entity.entity_id, demand.message_id),
                    demand.until,
                    durable=True,
                ),
            ),
            reply=self._logout_reply(demand, want.now),
        )

    def _logout_reply(self, demand: Demand, now: datetime) -> LoginStart | None:
        same = [endpoint for endpoint in self.entity.slo if endpoint.binding == demand.binding]
        endpoint = same[0] if same else self._endpoint(self.entity.slo, None)
        if endpoint is None or self.spec.signing_key is None:
            return None
        letter = Letter(endpoint, "SAMLResponse", demand.relay_state, b"", reply=True)
        response = logout_response(self._sender, letter, self._message_id(), now, demand.message_id)
        return send(self._sender, response, letter)

    @property
    def _sender(self) -> Sender:
        return Sender(self.spec.entity_id, self.spec.callback_urls[0], self.spec.signing_key)

    def _message_id(self) -> str:
        return f"_{self._tools.token(20)}"  # 160 bits; the underscore makes it an NCName (H20, B29)

    def _expected(self, inbound: Inbound, memo: Memo | None) -> Expected:
        return Expected(
            idp=self.entity,
            entity_id=self.spec.entity_id,
            callback_url=inbound.callback_url,
            now=self._usable_now(),
            options=self.options,
            memo=memo,
        )

    def _usable_now(self) -> datetime:
        """The time, if the metadata is still to be believed: from its validUntil on it is not (J4)."""
        now = self._tools.clock()
        if self.entity.valid_until is not None and now >= self.entity.valid_until:
            raise ProviderMisconfigured("the IdP's metadata has expired", reason="metadata_expired")
        return now

    @staticmethod
    def _endpoint(endpoints: tuple[Endpoint, ...], wanted: Literal["redirect", "post"] | None) -> Endpoint | None:
        """The endpoint of the wanted binding; of any, Redirect first, if none is wanted."""
        found = {endpoint.binding: endpoint for endpoint in endpoints}
        return found.get(wanted) if wanted else found.get("redirect") or found.get("post")


def _refuse_loop(spec: ProviderSpec, entity: IdpEntity) -> None:
    """We are not our own identity provider (J8, J12, K14)."""
    ours = {spec.entity_id, *spec.callback_urls, *spec.logout_urls}
    if ours & {entity.entity_id, *(endpoint.location for endpoint in (*entity.sso, *entity.slo))}:
        raise ProviderMisconfigured("this metadata is our own: it would be a loop", reason="idp_is_ourselves")
