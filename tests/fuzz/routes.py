"""Every route with every parameter that it reads. A test holds this list against the application's own map."""

from __future__ import annotations

from dataclasses import dataclass

AUTHORIZE = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age",
    "login_hint", "identity_provider", "idp_identifier", "lang", "ui_locales", "acr_values", "resource", "id_token_hint", "request_uri",
    "request", "response_mode", "claims", "display",
)  # fmt: skip
PROOF = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
LOGOUT = (
    "id_token_hint", "client_id", "logout_uri", "post_logout_redirect_uri", "state", "redirect_uri", "response_type", "scope", "lang",
    "ui_locales",
)  # fmt: skip
SAML = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding")
CALLBACK = ("state", "code", "iss", "error", "error_description", "session_state", "id_token")

# What a browser or a proxy may send along with anything.
HEADERS = (
    "Host", "Cookie", "Authorization", "Content-Type", "Content-Length", "Transfer-Encoding", "Accept", "Accept-Language", "User-Agent",
    "Referer", "Origin", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-Id", "If-None-Match", "Range",
    "Expect", "X-Amz-Target",
)  # fmt: skip
COOKIES = ("session", "login", "cg-lang")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "get", "BREW")


@dataclass(frozen=True)
class Route:
    """A method at an address below the pool's; `bare` ones lie at the root. `rule` is how the application writes it."""

    method: str
    rule: str
    query: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    bare: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


ROUTES = (
    Route("GET", "/.well-known/jwks.json"),
    Route("GET", "/.well-known/oauth-authorization-server"),
    Route("GET", "/.well-known/openid-configuration"),
    Route("GET", "/oauth2/authorize", query=AUTHORIZE),
    Route(
        "POST", "/oauth2/token", form=("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", *PROOF)
    ),
    Route("POST", "/oauth2/par", form=(*AUTHORIZE, *PROOF[1:])),
    Route("POST", "/oauth2/revoke", form=("token", "token_type_hint", *PROOF)),
    Route("POST", "/oauth2/introspect", form=("token", "token_type_hint", *PROOF)),
    Route("GET", "/oauth2/userInfo", query=("access_token",)),
    Route("POST", "/oauth2/userInfo", form=("access_token",)),
    Route("GET", "/login", query=("login", "client_id", *AUTHORIZE[2:5])),
    Route("POST", "/login", form=("login", "csrf", "provider", "email")),
    Route("GET", "/consent", query=("login",)),
    Route("POST", "/consent", form=("login", "csrf", "scopes", "agree")),
    Route("GET", "/logout", query=LOGOUT),
    Route("POST", "/logout", form=("csrf", *LOGOUT)),
    Route("GET", "/signedout", query=("state",)),
    Route("GET", "/error", query=("error",)),
    Route("GET", "/oauth2/idpresponse", query=CALLBACK),
    Route("POST", "/oauth2/idpresponse", form=CALLBACK),
    Route("POST", "/oauth2/idplogout/<provider>", form=("logout_token",)),
    Route("POST", "/saml2/idpresponse", form=("SAMLResponse", "RelayState", "crossgate_bounced")),
    Route("GET", "/saml2/logout", query=SAML),
    Route("POST", "/saml2/logout", form=SAML),
    Route("GET", "/saml2/metadata"),
    Route("GET", "/", query=("Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds"), bare=True),
    Route(
        "POST", "/", form=("Action", "Version", "RoleArn", "PrincipalArn", "SAMLAssertion", "Policy", "PolicyArns.member.1.arn"), bare=True
    ),
    Route("GET", "/identity/<uuid>/.well-known/openid-configuration", bare=True),
    Route("GET", "/identity/<uuid>/.well-known/jwks.json", bare=True),
    Route("GET", "/identity/<uuid>/.well-known/jwks_uri", bare=True),
    Route("GET", "/healthz", bare=True),
    Route("GET", "/readyz", bare=True),
    Route("GET", "/static/<path:name>", bare=True),
)
