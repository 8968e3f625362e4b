"""What a good file becomes: paths beside it, secrets by reference, the environment on top, and the broker's records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker import config
from broker.model.settings import MappingRule
from tests.fakes.saml_forge import IdpBox
from tests.fakes.saml_keys import key

MINIMAL = '[[user_pool]]\nid = "eu_Demo"\n'


def test_an_empty_file_is_a_configuration(tmp_path: Path) -> None:
    loaded = config.loads("", tmp_path / "crossgate.toml", {})
    assert loaded.user_pool == ()
    assert loaded.server.public_url == "http://localhost:8080"
    assert loaded.store.url == f"sqlite:///{tmp_path}/crossgate.db"
    assert loaded.seal.key_file == tmp_path / "crossgate.key"
    assert config.declare(loaded).pools == ()


def test_paths_start_from_the_file_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "crossgate.toml").write_text('[log]\naudit_file = "log/audit"\n[store]\nurl = "sqlite:///data/x.db"\n')
    monkeypatch.chdir("/")
    loaded = config.load(tmp_path / "crossgate.toml", {})
    assert loaded.log.audit_file == tmp_path / "log/audit"
    assert loaded.store.url == f"sqlite:///{tmp_path}/data/x.db"
    absolute = config.loads('[store]\nurl = "sqlite:////var/x.db"', tmp_path / "c.toml", {})
    assert absolute.store.url == "sqlite:////var/x.db"


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-file\n")
    text = MINIMAL + (
        '[[user_pool.provider]]\nname = "Hub"\nkind = "github"\nclient_id = { env = "ID" }\nclient_secret = { file = "secret" }\n'
    )
    (record,) = config.declare(config.loads(text, tmp_path / "c.toml", {"ID": "from-env"})).providers
    assert record.options["client_id"] == "from-env"
    assert record.secrets == {"client_secret": "from-file"}
    assert "from-file" not in repr(record)


def test_no_repr_shows_a_secret() -> None:
    text = (
        '[store]\nurl = "postgresql+psycopg://u:hush1@db/x"\n[transient]\nurl = "redis://:hush2@r"\n[aws]\naccess_keys = [{ id = "AKIA", '
    )
    text += 'secret = "hush3" }]\n' + MINIMAL + '[[user_pool.client]]\nid = "a"\nsecret = "hush4"\nredirect_uris = ["https://a.example"]\n'
    text += '[[user_pool.provider]]\nname = "Hub"\nkind = "github"\nclient_id = "hush5"\nclient_secret = "hush6"\n'
    loaded = config.loads(text, environment={"CROSSGATE_MASTER_KEY": "hush7"})
    assert loaded.master_key == "hush7"
    assert "hush" not in repr(loaded)
    assert "hush" not in str(loaded)


def test_the_environment_wins_over_the_file_for_the_service() -> None:
    environment = {
        "CROSSGATE_SERVER_BIND": "0.0.0.0:9000",
        "CROSSGATE_SERVER_WORKERS": "8",
        "CROSSGATE_SERVER_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7",
        "CROSSGATE_WORKER_EXTERNAL": "true",
        "CROSSGATE_NETWORK_TIMEOUT_SECONDS": "2.5",
        "CROSSGATE_STORE_URL": "postgresql+psycopg://u@db/x",
        "CROSSGATE_AWS_ACCOUNT_ID": "123456789012",
        "CROSSGATE_USER_POOL_ID": "ignored",
    }
    loaded = config.loads('[server]\nbind = "127.0.0.1:1"\nworkers = 1\n', environment=environment)
    assert (loaded.server.bind, loaded.server.workers) == ("0.0.0.0:9000", 8)
    assert loaded.server.trusted_proxies == ("10.0.0.0/8", "192.0.2.7/32")
    assert loaded.worker.external is True
    assert loaded.network.timeout_seconds == 2.5
    assert loaded.store.url == "postgresql+psycopg://u@db/x"
    assert loaded.aws.account_id == "123456789012"


def test_a_wrong_value_of_the_environment_is_reported_under_its_variable() -> None:
    with pytest.raises(config.ConfigProblems) as refused:
        config.loads("", environment={"CROSSGATE_SERVER_WORKERS": "many"})
    assert str(refused.value).startswith("environment variable CROSSGATE_SERVER_WORKERS: [server]: workers: must be a whole number")


def test_a_client_becomes_a_record_in_seconds() -> None:
    text = MINIMAL + '[[user_pool.client]]\nid = "a"\nredirect_uris = ["com.example.app:/cb", "http://127.0.0.1:7/cb"]\n'
    text += "id_token_minutes = 5\naccess_token_minutes = 7.5\nrefresh_token_days = 0.5\nproviders = ['COGNITO']\n"
    (client,) = config.declare(config.loads(text)).clients
    assert (client.id_token_ttl, client.access_token_ttl, client.refresh_token_ttl) == (300, 450, 43200)
    assert (client.token_auth, client.secrets, client.require_pkce, client.owner) == ("none", {}, True, "file")
    assert client.redirect_uris == ("com.example.app:/cb", "http://127.0.0.1:7/cb")


def test_the_proof_of_identity_follows_from_what_there_is(tmp_path: Path) -> None:
    jwks = {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}
    (tmp_path / "jwks.json").write_text(json.dumps(jwks))
    text = MINIMAL + '[[user_pool.client]]\nid = "a"\nredirect_uris = ["https://a.example"]\njwks_file = "jwks.json"\n'
    (client,) = config.declare(config.loads(text, tmp_path / "c.toml")).clients
    assert (client.token_auth, client.jwks) == ("private_key_jwt", jwks)


def test_every_way_to_write_a_mapping() -> None:
    text = MINIMAL + '[[user_pool.provider]]\nname = "Hub"\nkind = "github"\nclient_id = "c"\nclient_secret = "s"\n'
    text += "[user_pool.provider.mapping]\nemail = 'mail'\nname = ['displayName', 'cn']\nlocale = { mapper = 'constant', value = 'en' }\n"
    text += (
        "nickname = { from = 'nick', required = true }\nzoneinfo = [{ from = 'tz' }, { mapper = 'case', from = 'zone', to = 'upper' }]\n"
    )
    (record,) = config.declare(config.loads(text)).providers
    assert record.mapping == (
        MappingRule("email", "copy", {"from": "mail"}),
        MappingRule("name", "first_of", {"from": ["displayName", "cn"]}),
        MappingRule("locale", "constant", {"value": "en"}),
        MappingRule("nickname", "copy", {"from": "nick"}, required=True),
        MappingRule("zoneinfo", "copy", {"from": "tz"}),
        MappingRule("zoneinfo", "case", {"from": "zone", "to": "upper"}),
    )


def test_a_saml_provider_brings_its_metadata(tmp_path: Path) -> None:
    document = IdpBox("https://idp.example/metadata", key("idp")).metadata()
    (tmp_path / "idp.xml").write_text(document)
    text = MINIMAL + '[[user_pool.provider]]\nname = "Acme"\nkind = "saml"\nsign_requests = false\nmetadata_file = "idp.xml"\n'
    (record,) = config.declare(config.loads(text, tmp_path / "c.toml")).providers
    assert dict(record.options) == {"sign_requests": False, "metadata": document}
    assert record.display_name == "Acme"
    again = config.declare(config.loads(text, tmp_path / "c.toml")).providers[0]
    assert again.id == record.id  # derived from pool and name: an empty database finds its users again


def test_a_standard_attribute_keeps_what_the_file_does_not_say() -> None:
    text = MINIMAL + '[[user_pool.attribute]]\nname = "birthdate"\nrequired = true\n[[user_pool.attribute]]\nname = "custom:x"\n'
    birthdate, custom = config.declare(config.loads(text)).pools[0].schema
    assert (birthdate.required, birthdate.min_length, birthdate.max_length) == (True, 10, 10)
    assert (custom.name, custom.data_type, custom.max_length) == ("custom:x", "String", 2048)


def test_retention_is_the_pools_or_the_services() -> None:
    text = "[trace]\nretention_days = 3\n" + MINIMAL + '[[user_pool]]\nid = "eu_Two"\ntrace_retention_days = 30\n'
    assert [pool.trace_retention_days for pool in config.declare(config.loads(text)).pools] == [3, 30]


def test_a_configuration_is_frozen() -> None:
    loaded = config.loads("")
    with pytest.raises(ValueError, match="frozen"):
        loaded.server.workers = 9  # type: ignore[misc]
