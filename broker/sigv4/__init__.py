"""AWS Signature Version 4: who signed a request, and that nobody has changed it since (spec E.1; attacks IP-S4).

Pure: requests come in as strings and bytes, secrets through a function, the time as an argument.

A signature says nothing about how often a request came: the same bytes verify again while the signature lives (IP-S4.10). A caller for
whom that matters burns `Verified.burn`. Two honest, identical calls within one second carry the same signature, so this is for calls that
must not happen twice, not for all of them.
"""

from broker.sigv4.payload import STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER, UNSIGNED_PAYLOAD
from broker.sigv4.policy import Requirements
from broker.sigv4.request import Scope, SignedRequest
from broker.sigv4.sign import ClientKeys, presign, sign
from broker.sigv4.streaming import ChunkedBody, Seed
from broker.sigv4.verify import SigningSecret, Verified, verify

__all__ = [
    "STREAMING_SIGNED",
    "STREAMING_SIGNED_TRAILER",
    "STREAMING_UNSIGNED_TRAILER",
    "UNSIGNED_PAYLOAD",
    "ChunkedBody",
    "ClientKeys",
    "Requirements",
    "Scope",
    "Seed",
    "SignedRequest",
    "SigningSecret",
    "Verified",
    "presign",
    "sign",
    "verify",
]
