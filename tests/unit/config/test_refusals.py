"""What is wrong is said in one line: file, table, key, what, remedy. The table below is the promise, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker import config
from tests.fakes.saml_forge import IdpBox
from tests.fakes.saml_keys import key

POOL = '[[user_pool]]\nid = "eu_Demo"\n'
AT = "[[user_pool]] #1 (eu_Demo)"
CLIENT = POOL + '[[user_pool.client]]\nid = "app"\nsecret = "s"\nredirect_uris = ["https://app.example/cb"]\nproviders = ["Hub"]\n'
HUB = '[[user_pool.provider]]\nname = "Hub"\nkind = "github"\nclient_id = "c"\nclient_secret = "s"\n'
IN_CLIENT = f"{AT} › [[user_pool.client]] app"
IN_HUB = f"{AT} › [[user_pool.provider]] Hub"
IN_ACME = f"{AT} › [[user_pool.provider]] Acme"
ACME = POOL + '[[user_pool.provider]]\nname = "Acme"\nkind = "saml"\n'
URL = 'metadata_url = "https://idp.example/metadata"\n'


def client(line: str, *drop: str) -> str:
    """The client with a line more; `drop` names keys to leave out."""
    kept = [each for each in CLIENT.splitlines() if not each.startswith(tuple(drop) or ("?",))]
    return "\n".join([*kept, line]) + "\n" + HUB


REFUSED = {
    # The service.
    "[server]\npublic_ulr = 'x'": "[server]: public_ulr: there is no such key; did you mean public_url?",
    "[serve]\nbind = 'x'": "serve: there is no such key; did you mean server?",
    "server = 3": "[server]: must be a table, not a whole number; write a [table], or { ... }",
    "[server]\nworkers = '2'": "[server]: workers: must be a whole number, not a string; write it without quotes and without a fraction",
    "[server]\nworkers = 0": "[server]: workers: 0 is less than 1; give 1 or more",
    "[server]\nworkers = true": "[server]: workers: must be a whole number, not true or false; "
    "write it without quotes and without a fraction",
    "[server]\npublic_url = 'http://sso.example'": "[server]: public_url: 'http://sso.example' is plain http; "
    "use https; http is for localhost and loopback addresses only",
    "[server]\npublic_url = 'https://sso.example/auth'": "[server]: public_url: 'https://sso.example/auth' has a path, query or fragment; "
    "give scheme, host and port only, like https://login.example.com",
    "[server]\nbind = '8080'": "[server]: bind: '8080' is not an address to listen on; "
    "write HOST:PORT like 127.0.0.1:8080 or [::]:8080, or unix:PATH",
    "[server]\ntrusted_proxies = '10.0.0.1'": '[server]: trusted_proxies: must be a list, not a string; write it in brackets: ["..."]',
    "[server]\ntrusted_proxies = ['proxy']": "[server]: trusted_proxies #1: 'proxy' is not a network: "
    "'proxy' does not appear to be an IPv4 or IPv6 network; write it like 10.0.0.0/8 or 192.0.2.7",
    "[server]\ntls_cert = 'here.pem'": "[server]: tls_key: is missing, though tls_cert is given; give both, or neither",
    "[server]\npublic_url = 'http://localhost'\nadmin_url = 'http://localhost/'": "[server]: admin_url: is the same as public_url; "
    "give the console a host name, or a port, of its own",
    "[server]\ntls_key = 'gone.pem'": "[server]: tls_key: {folder}/gone.pem cannot be read: No such file or directory; "
    "put the file there, make it readable, or correct the path",
    "[network]\nallow = ['localhost:9000']": "[network]: allow #1: 'localhost:9000' has a port; "
    "give the host or address alone; all its ports are meant",
    "[store]\nurl = 'mysql://root:hush@db/x'": "[store]: url: is not a database that Crossgate can use; "
    "write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE",
    "[store]\nurl = { env = 'NOWHERE' }": "[store]: url: the environment has no 'NOWHERE'; "
    "set NOWHERE where Crossgate starts, or refer to a file",
    "[transient]\nurl = 'amqp://x'": "[transient]: url: is not a Redis that Crossgate can use; "
    "write redis://HOST:6379/0 (rediss:// for TLS), or leave it empty",
    "[log]\nlevel = 'loud'": "[log]: level: 'loud' is not one of debug, info, warning, error; use one of these",
    "[log]\nlevel = 'wrning'": "[log]: level: 'wrning' is not one of debug, info, warning, error; did you mean warning?",
    "[aws]\naccount_id = '12'": "[aws]: account_id: '12' is not an account id; give twelve digits, in quotes",
    "[aws]\naccess_keys = [{ id = 'AKIA', secret = 7 }]": "[aws] › [[aws.access_keys]] AKIA: secret: is neither a string nor a reference; "
    'write { env = "NAME" } or { file = "PATH" }',
    # Pools.
    "[[user_pool]]\nname = 'x'": "[[user_pool]] #1 (x): id: is missing; add it",
    "[[user_pool]]\nid = 'Demo'": "[[user_pool]] #1 (Demo): id: 'Demo' is not a pool id; "
    "write a region, _, letters and digits, like eu-west-1_Demo",
    POOL + "pre_token_hook = 'no_such_house.hooks:go'": f"{AT}: pre_token_hook: hook 'no_such_house.hooks:go': no such entry point in "
    "crossgate.hooks and no such package.module:function; install it, add its folder to PYTHONPATH, or correct the name",
    POOL + "pre_token_hook = 'json:dumps@V9_0'": f"{AT}: pre_token_hook: 'json:dumps@V9_0' does not name a plugin; "
    "write it like package.module:name, or as an entry point's name; @V1_0, @V2_0 or @V3_0 may follow",
    POOL + "inbound_federation_hook = 'no-such-entry'": f"{AT}: inbound_federation_hook: hook 'no-such-entry': no such entry point",
    POOL + POOL: "[[user_pool]] #2 (eu_Demo): id: is the id of pool #1 too; give each pool an id of its own",
    POOL + "domain = 'https://x.example'": f"{AT}: domain: 'https://x.example' is not a host name; "
    "give the host alone, like login.example.com, without scheme or path",
    POOL + "domain = 'localhost:8080'": f"{AT}: domain: localhost:8080 is taken by public_url; give each pool a host name of its own",
    POOL + "issuer = 'https://x.example/'": f"{AT}: issuer: 'https://x.example/' has a query, a fragment or a trailing slash; "
    "remove it: an issuer is compared character by character",
    POOL + "[user_pool.branding]\naccent = 'blue'": f"{AT} › [user_pool.branding]: accent: 'blue' is not a colour; write it like #2456d6",
    POOL + "[[user_pool.attribute]]\nname = 'emial'": f"{AT} › [[user_pool.attribute]] emial: name: is not a standard attribute; "
    "did you mean email? (your own are named custom:NAME)",
    POOL + "[[user_pool.attribute]]\nname = 'custom:x'\nrequired = true": f"{AT} › [[user_pool.attribute]] custom:x: required: "
    "cannot be true for a custom attribute; remove it",
    POOL + "[[user_pool.group]]\nname = 'a b'": f"{AT} › [[user_pool.group]] a b: name: 'a b' is not a group name; "
    "use up to 128 characters without blanks",
    POOL + "[[user_pool.group]]\nname = 'a'\n[[user_pool.group]]\nname = 'a'": f"{AT} › [[user_pool.group]] a: name: "
    "is used twice in this pool; remove one of them",
    # Clients.
    client("redirect_uris = []", "redirect_uris"): f"{IN_CLIENT}: redirect_uris: is empty, so no sign-in could end; "
    "add the address of your application's callback",
    client(
        "redirect_uris = ['http://app.example/cb']", "redirect_uris"
    ): f"{IN_CLIENT}: redirect_uris #1: 'http://app.example/cb' is plain http; "
    "use https; http is for localhost and loopback addresses only",
    client("redirect_uris = ['https://app.example/cb#x']", "redirect_uris"): f"{IN_CLIENT}: redirect_uris #1: 'https://app.example/cb#x' "
    "has a fragment; remove the part from # on",
    client(
        "redirect_uris = ['javascript:alert(1)']", "redirect_uris"
    ): f"{IN_CLIENT}: redirect_uris #1: the scheme 'javascript' is not allowed; "
    "use https, or your app's own scheme like com.example.app:/callback",
    client("redirect_uris = ['/cb']", "redirect_uris"): f"{IN_CLIENT}: redirect_uris #1: '/cb' is not an absolute URI; "
    "write it like https://app.example.com/callback or com.example.app:/callback",
    client("redirect_uris = ['https://u:p@app.example/cb']", "redirect_uris"): f"{IN_CLIENT}: redirect_uris #1: "
    "carries a user name or password; write it like https://app.example.com/path",
    client("redirect_uris = ['https://*.app.example/cb']", "redirect_uris"): f"{IN_CLIENT}: redirect_uris #1: 'https://*.app.example/cb' "
    "contains a *; list every address in full: they are compared character by character",
    client("default_redirect_uri = 'https://other.example'"): f"{IN_CLIENT}: default_redirect_uri: 'https://other.example' "
    "is not one of redirect_uris; add it there, or choose one of them",
    client("scopes = ['openid', 'api/read']"): f"{IN_CLIENT}: scopes: there is no scope 'api/read' in this pool; "
    "declare a [[user_pool.resource_server]] 'api' with the scope 'read'",
    client("scopes = ['email']"): f'{IN_CLIENT}: scopes: email without openid; add "openid"',
    client("flows = ['code', 'client_credentials']"): f"{IN_CLIENT}: flows: client_credentials cannot go with other flows; "
    "make a second client for it",
    client("flows = ['client_credentials']"): f"{IN_CLIENT}: scopes: is missing: client_credentials needs scopes of a resource server; "
    "list at least one",
    client("require_pkce = false", "secret"): f"{IN_CLIENT}: require_pkce: cannot be false for a client without a secret; "
    "remove it, or add a secret",
    client("token_auth = 'private_key_jwt'"): f"{IN_CLIENT}: jwks: is not a JWK set with keys; write {{ keys = [{{ kty = ..., ... }}] }}",
    client("jwks = { keys = [{ kty = 'EC', d = 'x' }] }", "secret"): f"{IN_CLIENT}: jwks: holds a private or symmetric key; "
    "give public keys only, and replace the one that was shown here",
    client("id_token_minutes = 2"): f"{IN_CLIENT}: id_token_minutes: 2 is not within 5 and 1440 minutes; choose within these bounds",
    client(
        "refresh_token_days = 0.5\nid_token_minutes = 720"
    ): f"{IN_CLIENT}: refresh_token_days: is not longer than the ID and access tokens; raise it, or shorten the others",
    client("providers = ['Hbu']", "providers"): f"{IN_CLIENT}: providers: there is no provider 'Hbu' in this pool; did you mean Hub?",
    client("read_attributes = ['shoe_size']"): f"{IN_CLIENT}: read_attributes: there is no attribute 'shoe_size' in this pool; ",
    # Providers.
    CLIENT + HUB + HUB: f"{AT} › [[user_pool.provider]] hub: name: is used twice in this pool; give each provider a name of its own",
    CLIENT + HUB.replace("github", "gihtub"): f"{IN_HUB}: kind: there is no kind 'gihtub'; did you mean github?",
    CLIENT + HUB + "clint_id = 'c'": f'{IN_HUB}: clint_id: there is no such key for kind = "github"; did you mean client_id?',
    CLIENT
    + HUB.replace('client_secret = "s"', ""): f'{IN_HUB}: client_secret: is missing; see kind = "github" in the configuration reference',
    CLIENT + HUB + "link_verified_email = true": f"{IN_HUB}: link_verified_email: needs the domains that belong to this provider; "
    'add domains = ["example.com"], or remove it',
    CLIENT + HUB + "identifiers = ['a', 'b?']": f"{IN_HUB}: identifiers: 'b?' is not an identifier; "
    "use 1 to 40 letters, digits, blanks and + = . @ -",
    CLIENT + HUB + "mapping = { emial = 'x' }": f"{IN_HUB}: mapping.emial: there is no such attribute in this pool; "
    "did you mean email? (declare your own as [[user_pool.attribute]] custom:NAME)",
    CLIENT + HUB + "mapping = { email = 3 }": f"{IN_HUB}: mapping.email: is not a mapping rule; "
    'write "THEIRS", ["FIRST", "SECOND"] or { mapper = "NAME", ... }',
    CLIENT + HUB + "mapping = { email = { mapper = 'regex', from = 'x', pattern = '((' } }": f"{IN_HUB}: mapping.email.pattern: missing ) "
    "(at character 3); correct it, or remove it",
    CLIENT
    + HUB
    + "extra = 2026-01-01": f"{IN_HUB}: extra: holds a date, an infinity or a not-a-number; write it as a string or a plain number",
    CLIENT.replace("Hub", "Google") + HUB.replace("Hub", "Google"): f"{AT} › [[user_pool.provider]] Google: name: "
    'is reserved for kind = "google"; choose another name',
    ACME: f"{IN_ACME}: metadata_file: is missing: a SAML provider needs its IdP's metadata; "
    "give exactly one of metadata_file, metadata_url, metadata",
    ACME
    + URL
    + "metadata = 'x'": f"{IN_ACME}: metadata: stands beside metadata_url; give exactly one of metadata_file, metadata_url, metadata",
    ACME + "metadata_file = 'gone.xml'": f"{IN_ACME}: metadata_file: {{folder}}/gone.xml cannot be read: No such file or directory; "
    "put the file there, make it readable, or correct the path",
    ACME + "metadata_file = 'here.pem'": f"{IN_ACME}: metadata_file: {{folder}}/here.pem: This is not well-formed SAML metadata. "
    "Download the XML file again and give it unchanged",
    ACME + URL + "sing_requests = true": f'{IN_ACME}: sing_requests: there is no such key for kind = "saml"; did you mean sign_requests?',
    ACME.replace("[[user_pool.provider]]", "[[user_pool.attribute]]\nname='email'\nrequired=true\n[[user_pool.provider]]")
    + URL: f'{IN_ACME}: mapping: email is required in this pool, and no rule makes it; add email = "THEIR NAME FOR IT"',
    client("", "providers").replace("redirect_uris", "providers = ['COGNITO', 'Acme']\nredirect_uris")
    + ACME.removeprefix(POOL)
    + URL
    + "idp_initiated = true": f"{IN_CLIENT}: providers: Acme is idp_initiated, so COGNITO cannot stand beside it; "
    "make a second client with SAML providers only",
}


@pytest.mark.parametrize(("text", "line"), REFUSED.items(), ids=[line.split("; ")[0] for line in REFUSED.values()])
def test_each_mistake_is_one_line_with_place_and_remedy(text: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "here.pem").write_text("pem")
    with pytest.raises(config.ConfigProblems) as refused:
        config.loads(text, tmp_path / "crossgate.toml", {})
    expected = f"{tmp_path}/crossgate.toml: {line.replace('{folder}', str(tmp_path))}"
    assert any(problem.line().startswith(expected) for problem in refused.value.problems), str(refused.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"[server\n", "is not valid TOML: expected ']' at the end of a table declaration (at line 1, column 8)"),
        (b"a = 1\na = 2\n", "is not valid TOML: cannot overwrite a value (at line 2, column 6)"),
        (b"a = '\xff'", "is not UTF-8 text (byte 5)"),
        (b"a = " + b"[" * 5000, "is nested too deeply"),
        (b"a = 1" + b"0" * 5000, "is not valid TOML"),
    ],
)
def test_a_file_that_is_no_toml_says_where(content: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(content)
    with pytest.raises(config.ConfigProblems) as refused:
        config.load(tmp_path / "c.toml", {})
    assert str(refused.value).startswith(f"{tmp_path}/c.toml: {what}")
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigProblems, match="cannot be read: No such file or directory"):
        config.load(tmp_path / "gone.toml")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(config.ConfigProblems) as refused:
        config.loads("[server]\nworkers = 0\nbind = 'x'\n[log]\nlevel = 'x'\n[nope]\n")
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize(
    "text",
    [
        "[store]\nurl = 'mysql://root:hunter2@db/x'",
        "[transient]\nurl = 'hunter2'",
        "[aws]\naccess_keys = [{ id = 'AKIA', secret = ['hunter2'] }]",
        client("token_auth = 'none'\nsecret = 'hunter2'", "secret"),
        CLIENT + HUB + "client_secrt = 'hunter2'",
        CLIENT.replace('"s"', '{ hunter2 = "hunter2", a = 1 }'),
        CLIENT + HUB + "private_key = 4\nnote = 'hunter2'",
    ],
)
def test_no_error_quotes_a_secret(text: str) -> None:
    with pytest.raises(config.ConfigProblems) as refused:
        config.loads(text)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(refused.value)


def test_metadata_that_has_only_aged_is_a_warning(tmp_path: Path) -> None:
    # A broker that is restarted must not stay down because one customer's document has ended.
    text = IdpBox("https://idp.example/metadata", key("idp")).metadata().replace("entityID", 'validUntil="2020-01-01T00:00:00Z" entityID')
    (tmp_path / "idp.xml").write_text(text)
    loaded = config.loads(ACME + "metadata_file = 'idp.xml'", tmp_path / "crossgate.toml", {})
    (warning,) = loaded.warnings
    assert "This metadata has expired" in warning.line()
    assert warning.line().count("\n") == 0


WARNED = {
    "[server]\nbind = 'unix:broker.sock'": '[server]: trusted_proxies: lacks "unix", so every user has the same unknown address',
    client("rotation = false", "secret"): f"{IN_CLIENT}: rotation: is false for a public client",
    CLIENT + HUB + "mapping = { 'custom:unit' = 'unit' }\n[[user_pool.attribute]]\nname = 'custom:unit'": f"{IN_HUB}: mapping.custom:unit: "
    "is read by no client: tokens show custom attributes only to clients that list them",
}


@pytest.mark.parametrize(("text", "line"), WARNED.items(), ids=[line[:40] for line in WARNED.values()])
def test_what_is_allowed_but_hardly_meant_is_a_warning(text: str, line: str, tmp_path: Path) -> None:
    said = [problem.line() for problem in config.loads(text, tmp_path / "crossgate.toml", {}).warnings]
    assert any(each.startswith(f"{tmp_path}/crossgate.toml: {line}") for each in said), said


@pytest.mark.parametrize(
    "text",
    [
        "[server]\nbind = 'unix:broker.sock'\ntrusted_proxies = ['unix']",
        client("rotation = true", "secret"),
        client("", "secret"),
        client("read_attributes = ['custom:unit']") + "mapping = { 'custom:unit' = 'unit' }\n[[user_pool.attribute]]\nname = 'custom:unit'",
    ],
)
def test_what_is_meant_is_not(text: str) -> None:
    assert config.loads(text, "crossgate.toml", {}).warnings == ()


@pytest.mark.parametrize(("line", "rotates"), [("", True), ("rotation = false", False), ("secret = 's'", False)])
def test_a_public_client_rotates_unless_the_file_says_otherwise(line: str, rotates: bool) -> None:
    (declared,) = config.declare(config.loads(client(line, "secret"), "crossgate.toml", {})).clients
    assert declared.rotation is rotates


@pytest.mark.parametrize("version", ["", "@V1_0", "@V2_0", "@V3_0"])
def test_a_hook_may_name_the_version_of_its_event(version: str) -> None:
    text = f"{POOL}pre_token_hook = 'json:dumps{version}'"
    assert config.loads(text, "crossgate.toml", {}).user_pool[0].pre_token_hook.endswith(version)  # type: ignore[union-attr]
