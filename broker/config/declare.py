"""From tables to records: what the file says, in the broker's own nouns."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

from broker.config import declare_access, mapping
from broker.config.client import Client
from broker.config.pool import Attribute, Pool
from broker.config.provider import Provider
from broker.config.root import Config
from broker.model.declared import Declared
from broker.model.schema import STANDARD
from broker.model.settings import AppClient, AttributeSchema, Branding, Group, ProviderRecord, ResourceServer, UserPool

# A provider's id follows from pool and name, so that a file applied to an empty database finds the same providers again.
PROVIDERS = uuid.UUID("5f0c1a54-6d0b-5b7e-9a3e-3f5b0a4e7c11")


def declare(config: Config) -> Declared:
    """The records that this configuration declares."""
    return Declared(
        pools=tuple(user_pool(pool, config.trace.retention_days) for pool in config.user_pool),
        clients=tuple(app_client(pool.id, client) for pool in config.user_pool for client in pool.client),
        providers=tuple(provider_record(pool.id, provider) for pool in config.user_pool for provider in pool.provider),
        resource_servers=tuple(
            ResourceServer(
                pool_id=pool.id,
                identifier=server.identifier,
                name=server.name or server.identifier,
                scopes=tuple((scope.name, scope.description) for scope in server.scopes),
            )
            for pool in config.user_pool
            for server in pool.resource_server
        ),
        groups=tuple(
            Group(pool.id, group.name, group.description, group.precedence, group.role_arn)
            for pool in config.user_pool
            for group in pool.group
        ),
        roles=declare_access.roles(config),
        managed_policies=declare_access.policies(config),
        oidc_providers=tuple(declare_access.oidc_provider(provider) for provider in config.oidc_provider),
        saml_providers=tuple(declare_access.saml_provider(provider) for provider in config.saml_provider),
        identity_pools=tuple(declare_access.identity_pool(config, pool) for pool in config.identity_pool),
    )


def user_pool(pool: Pool, trace_retention_days: int) -> UserPool:
    """The pool itself, without what is in it."""
    return UserPool(
        id=pool.id,
        name=pool.name or pool.id,
        domain=pool.domain,
        issuer=pool.issuer,
        case_sensitive=pool.case_sensitive,
        schema=tuple(attribute_schema(attribute) for attribute in pool.attribute),
        branding=Branding(
            title=pool.branding.title,
            logo_url=pool.branding.logo_url or "",
            accent=pool.branding.accent or "",
            accent_dark=pool.branding.accent_dark or "",
            support_url=pool.branding.support_url or "",
        ),
        session_ttl=round(pool.session_minutes * 60),
        email_first=pool.email_first,
        pre_token_hook=pool.pre_token_hook,
        inbound_federation_hook=pool.inbound_federation_hook,
        trace_retention_days=pool.trace_retention_days or trace_retention_days,
        enabled=pool.enabled,
    )


def attribute_schema(attribute: Attribute) -> AttributeSchema:
    """One attribute; what the file leaves out of a standard one is as the standard says."""
    given = {name: getattr(attribute, name) for name in attribute.model_fields_set}
    if "type" in given:
        given["data_type"] = given.pop("type")
    standard = STANDARD.get(attribute.name)
    return replace(standard, **given) if standard else AttributeSchema(**given)


def token_auth(client: Client) -> Any:
    """How the client proves itself, said or implied."""
    if client.token_auth:
        return client.token_auth
    if client.jwks or client.jwks_file:
        return "private_key_jwt"
    return "secret" if client.secret else "none"


def app_client(pool_id: str, client: Client) -> AppClient:
    """An app client; durations become seconds."""
    return AppClient(
        id=client.id,
        pool_id=pool_id,
        name=client.name or client.id,
        secrets={"client_secret": client.secret} if client.secret else {},
        redirect_uris=client.redirect_uris,
        default_redirect_uri=client.default_redirect_uri,
        logout_uris=client.logout_uris,
        flows=client.flows,
        scopes=client.scopes,
        providers=client.providers,
        token_auth=token_auth(client),
        jwks=jwks_of(client),
        require_pkce=client.require_pkce,
        third_party=client.third_party,
        signing_alg=client.signing_alg,
        read_attributes=client.read_attributes,
        write_attributes=client.write_attributes,
        id_token_ttl=round(client.id_token_minutes * 60),
        access_token_ttl=round(client.access_token_minutes * 60),
        refresh_token_ttl=round(client.refresh_token_days * 86400),
        rotation=token_auth(client) == "none" if client.rotation is None else client.rotation,
        rotation_grace=client.rotation_grace_seconds,
        revocation=client.revocation,
        backchannel_logout_uri=client.backchannel_logout_uri,
        logout_revokes=client.logout_revokes,
    )


def jwks_of(client: Client) -> dict[str, Any] | None:
    """The client's public keys, from the table or from the file. Raises ValueError if the file is not JSON."""
    if client.jwks_file is not None:
        found: dict[str, Any] = json.loads(client.jwks_file.text)
        return found
    return client.jwks


def provider_record(pool_id: str, provider: Provider) -> ProviderRecord:
    """A provider. The kind's own keys become its options; secrets are kept apart, to be sealed."""
    options = provider.own_options()
    if provider.metadata_file is not None:
        options["metadata"] = provider.metadata_file.text
    if provider.metadata is not None:
        options["metadata"] = provider.metadata
    if provider.metadata_url is not None:
        options["metadata_url"] = provider.metadata_url
    secrets = {"client_secret": provider.client_secret, "private_key": provider.private_key}
    return ProviderRecord(
        id=str(uuid.uuid5(PROVIDERS, f"{pool_id}/{provider.name}")),
        pool_id=pool_id,
        name=provider.name,
        kind=provider.kind,
        display_name=provider.display_name or provider.name,
        state=provider.state,
        identifiers=provider.identifiers,
        mapping=mapping.rules(provider.mapping),
        options=options,
        secrets={name: value for name, value in secrets.items() if value},
        link_verified_email=provider.link_verified_email,
        proved_domains=provider.domains,
    )
