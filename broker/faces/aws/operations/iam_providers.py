"""The providers that roles and identity pools may trust, from wire to flows and back (API `iam`)."""

from __future__ import annotations

from typing import Any

from broker.api_errors import ValidationFailed
from broker.faces.aws.operations.iam_shapes import pairs, tags
from broker.faces.aws.operations.row import Call
from broker.flows.iam import oidc_providers, saml_providers


def new_oidc(call: Call) -> str:
    """The ARN that an OIDC provider will have."""
    issuer = str(call.values["Url"]).partition("://")[2] or call.values["Url"]
    return f"arn:{call.kit.account.partition}:iam::{call.kit.account.id}:oidc-provider/{issuer}"


def new_saml(call: Call) -> str:
    """The ARN that a SAML provider will have."""
    return f"arn:{call.kit.account.partition}:iam::{call.kit.account.id}:saml-provider/{call.values['Name']}"


def create_oidc(call: Call) -> dict[str, Any]:
    """CreateOpenIDConnectProvider."""
    given = call.get("Tags", ())
    ask = oidc_providers.OidcAsk(call.values["Url"], tuple(call.get("ClientIDList", ())), pairs(given))
    return {"OpenIDConnectProviderArn": call.change(oidc_providers.create, ask), "Tags": given or None}


def get_oidc(call: Call) -> dict[str, Any]:
    """GetOpenIDConnectProvider."""
    found = call.run(oidc_providers.get, call.values["OpenIDConnectProviderArn"])
    return {
        "Url": found.url,
        "ClientIDList": found.client_ids,
        "ThumbprintList": (),
        "CreateDate": found.created_at,
        "Tags": tags(found.tags),
    }


def list_oidc(call: Call) -> dict[str, Any]:
    """ListOpenIDConnectProviders."""
    return {"OpenIDConnectProviderList": [{"Arn": arn} for arn in call.run(oidc_providers.list_all)]}


def delete_oidc(call: Call) -> None:
    """DeleteOpenIDConnectProvider."""
    call.change(oidc_providers.delete, call.values["OpenIDConnectProviderArn"])


def add_client(call: Call) -> None:
    """AddClientIDToOpenIDConnectProvider."""
    call.change(oidc_providers.add_client, call.values["OpenIDConnectProviderArn"], call.values["ClientID"])


def remove_client(call: Call) -> None:
    """RemoveClientIDFromOpenIDConnectProvider."""
    call.change(oidc_providers.remove_client, call.values["OpenIDConnectProviderArn"], call.values["ClientID"])


def create_saml(call: Call) -> dict[str, Any]:
    """CreateSAMLProvider."""
    given = call.get("Tags", ())
    ask = saml_providers.SamlProviderAsk(call.values["Name"], call.values["SAMLMetadataDocument"], pairs(given))
    return {"SAMLProviderArn": call.change(saml_providers.create, ask), "Tags": given or None}


def get_saml(call: Call) -> dict[str, Any]:
    """GetSAMLProvider."""
    found = call.run(saml_providers.get, call.values["SAMLProviderArn"])
    return {"SAMLMetadataDocument": found.metadata, "CreateDate": found.created_at, "Tags": tags(found.tags)}


def update_saml(call: Call) -> dict[str, Any]:
    """UpdateSAMLProvider. The document is all that can be changed here."""
    if "SAMLMetadataDocument" not in call.values:
        raise ValidationFailed("no document", public="SAMLMetadataDocument is the only thing of a provider that can be changed here.")
    arn = call.change(saml_providers.update, call.values["SAMLProviderArn"], call.values["SAMLMetadataDocument"])
    return {"SAMLProviderArn": arn}


def list_saml(call: Call) -> dict[str, Any]:
    """ListSAMLProviders."""
    every = call.run(saml_providers.list_all)
    return {"SAMLProviderList": [{"Arn": arn, "CreateDate": provider.created_at} for arn, provider in every]}


def delete_saml(call: Call) -> None:
    """DeleteSAMLProvider."""
    call.change(saml_providers.delete, call.values["SAMLProviderArn"])
