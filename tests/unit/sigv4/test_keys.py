"""The memory of derived keys: bounded, filled by what verified alone, and without a secret in it."""

from __future__ import annotations

import gc
import hmac
from concurrent.futures import ThreadPoolExecutor

from broker.sigv4 import Scope
from broker.sigv4.keys import SigningKeys, derive

SCOPE = Scope("20150830", "us-east-1", "iam")
TEXT = b"text"


def signature(secret: str, scope: Scope = SCOPE) -> bytes:
    return hmac.digest(derive(secret, scope), TEXT, "sha256")


def test_the_key_of_awss_example() -> None:
    key = derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SCOPE)
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_only_what_verified_is_remembered() -> None:
    keys = SigningKeys()
    assert keys.matching("K", SCOPE, "secret", TEXT, signature("wrong")) is None
    assert keys.matching("K", SCOPE, None, TEXT, signature("secret")) is None
    assert len(keys) == 0
    assert keys.matching("K", SCOPE, "secret", TEXT, signature("secret")) == derive("secret", SCOPE)
    assert keys.matching("K", SCOPE, "secret", TEXT, signature("secret")) == derive("secret", SCOPE)
    assert len(keys) == 1


def test_what_is_remembered_is_for_one_key_one_scope_and_one_secret() -> None:
    keys = SigningKeys()
    assert keys.matching("K", SCOPE, "secret", TEXT, signature("secret"))
    assert keys.matching("K", SCOPE, "other", TEXT, signature("secret")) is None
    assert keys.matching("K", Scope("20150831", "us-east-1", "iam"), "secret", TEXT, signature("secret")) is None
    assert keys.matching("K", SCOPE, None, TEXT, signature("secret")) is None
    assert keys.matching("K", SCOPE, "secret", TEXT, signature("secret"))


def test_the_least_recently_used_goes_first() -> None:
    keys = SigningKeys(size=2)
    for secret in ("a", "b", "a", "c"):
        assert keys.matching(secret, SCOPE, secret, TEXT, signature(secret))
    assert len(keys) == 2
    assert {name[0] for name in keys._keys} == {"a", "c"}


def test_no_secret_is_kept() -> None:
    keys = SigningKeys()
    secret = "canary-of-the-test"
    assert keys.matching("K", SCOPE, secret, TEXT, signature(secret))
    held = [each for each in gc.get_referents(keys, *keys._keys.items()) if isinstance(each, str | bytes)]
    assert not [each for each in held if secret in str(each)]
    assert secret not in repr(keys._keys)


def test_many_threads_share_it() -> None:
    keys = SigningKeys(size=3)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: keys.matching(str(n % 9), SCOPE, str(n % 9), TEXT, signature(str(n % 9))), range(400)))
    assert all(found)
    assert len(keys) <= 3
