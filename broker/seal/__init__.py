"""Encryption at rest: the master keys, the data keys that they wrap, and the digests under which bearer secrets are kept."""

from broker.seal.datakey import DataKey
from broker.seal.digest import digest
from broker.seal.errors import SealBroken
from broker.seal.keyfile import load_keys, load_or_make
from broker.seal.master import MasterSeal, new_master_key, parse_keys

__all__ = ["DataKey", "MasterSeal", "SealBroken", "digest", "load_keys", "load_or_make", "new_master_key", "parse_keys"]
