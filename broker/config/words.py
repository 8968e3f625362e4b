"""What the keys of each kind of provider mean, in an operator's words. A test holds every key of every kind to a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SAML: Mapping[str, str] = MappingProxyType(
    {
        "entity_id": "Entity id of the IdP: picks one where the metadata describes several, and pins it.",
        "metadata_certificate": "Certificate (PEM) whose key must have signed the metadata.",
        "sign_requests": "Sign our AuthnRequests. Logout messages are always signed.",
        "request_binding": "Binding of our AuthnRequests, if the IdP offers both.",
        "idp_initiated": "Also accept sign-ins that the IdP began. A client of such a provider may list SAML providers only.",
        "signature_policy": "What the IdP must have signed. Any signature that is there must verify, whatever stands here.",
        "want_encrypted": "Refuse assertions that are not encrypted for us.",
        "allow_sha1": "Accept SHA-1 in signatures. A sign-in then warns in its trace; get the IdP changed instead.",
        "allow_aes_cbc": "Accept AES-CBC, which has no integrity of its own. Turn it off where the IdP can do GCM.",
        "name_id_format": "NameID format to ask for, and to demand.",
        "authn_context": "Authentication context classes to ask for, and to demand.",
        "authn_context_comparison": "How the answer must compare with `authn_context`.",
        "authn_context_accept": "Classes that satisfy a comparison other than `exact`, besides those that were asked for.",
        "force_authn": "Have the IdP ask the user anew each time, and refuse an answer that does not show it.",
        "clock_skew_seconds": "Seconds that two clocks may differ.",
        "request_max_age_seconds": "Seconds in which the answer to our request must come.",
        "unsolicited_max_age_seconds": "Age at most of an answer that nobody asked for.",
        "max_response_bytes": "Longest SAMLResponse that is read.",
        "sign_out": "Sign out at the IdP too. Its metadata must have a SingleLogoutService.",
        "allow_name_id_as_attribute": "Let a mapping read the NameID, as an attribute `NameID`.",
    }
)

OIDC: Mapping[str, str] = MappingProxyType(
    {
        "issuer": "Issuer, to the letter as its tokens have it. Its discovery document says the rest.",
        "client_id": "Our client id there.",
        "scopes": "Scopes to ask for; `openid` is among them.",
        "token_auth": "How we prove ourselves at the token endpoint, where discovery leaves a choice.",
        "assertion_audience": "Audience of our assertion with `private_key_jwt`.",
        "id_token_algs": "Algorithms that its ID tokens may have. HS* cannot be mixed with others.",
        "authorize_url": "Endpoint, in place of discovery. Give `token_url` and `jwks_uri` with it.",
        "token_url": "Endpoint, in place of discovery.",
        "jwks_uri": "Endpoint, in place of discovery.",
        "attributes_url": "UserInfo endpoint, in place of discovery.",
        "end_session_url": "Logout endpoint, in place of discovery.",
        "attributes_request_method": "Method of the UserInfo request.",
        "userinfo": "Ask UserInfo for more claims. What the ID token says wins.",
        "response_mode": "How the answer comes back.",
        "iss_parameter": "Demand (`true`) or ignore (`false`) the `iss` parameter of RFC 9207; discovery decides without it.",
        "forward": "Parameters of our own authorization request that are passed on.",
        "authorize_params": 'Further parameters of the authorization request: `{ hd = "example.com" }`.',
        "clock_skew": "Seconds that two clocks may differ.",
        "require_acr": "Refuse an answer that does not show the `acr` that was asked for.",
        "trusted_audiences": "Other audiences that may stand in an ID token beside our client id.",
        "issuer_aliases": "Other spellings of the issuer that its tokens may have.",
        "tenants": "Tenant ids that are let in, where one issuer serves many (`{tenantid}` in the issuer).",
        "logout": "Sign out at the provider too, if it offers that.",
        "map_tokens": "Let a mapping read the provider's tokens, as `access_token` and `id_token`.",
    }
)

OAUTH2: Mapping[str, str] = MappingProxyType(
    {
        "client_id": "Our client id there.",
        "scopes": "Scopes to ask for, in place of the usual ones.",
        "authorize_url": "Authorization endpoint; a self-hosted edition has its own.",
        "token_url": "Token endpoint.",
        "attributes_url": "Address that answers the user's profile.",
        "subject": "Member of the profile that never changes and is never given to another person. Not a login name.",
        "claims": "Standard attribute on the left, member of the profile on the right (dotted for nested ones).",
        "email_verified": "`claim`: as the profile says. `never`: the provider does not tell.",
        "token_auth": "How we prove ourselves at the token endpoint.",
        "authorize_params": "Further parameters of the authorization request.",
        "map_tokens": "Let a mapping read the provider's `access_token`.",
    }
)

MEANINGS: Mapping[str, Mapping[str, str]] = MappingProxyType({"saml": SAML, "oidc": OIDC, "oauth2": OAUTH2})
