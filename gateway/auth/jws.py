"""A signed token taken apart: the compact form of RFC 7515, with one algorithm and nothing optional.

It is read here and not by PyJWT, because a class that reconnects brings thousands of tokens at once, and this takes a
quarter of the time. `tests/auth/test_like_pyjwt.py` compares the two. `cryptography` checks the signature itself.
"""

from __future__ import annotations

import base64
import re
from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.errors import Code, Refused

ALGORITHM: Final = "RS256"

# RFC 7518, section 3.3, asks for at least this for RS256.
MODULUS_BITS: Final = 2048

# Three segments of base64url without padding (RFC 7515, section 7.1). Encrypted tokens have five.
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

# Parameters that bring their own key, or demand an extension that we do not have (RFC 7515, section 4.1). Others
# that we do not know are ignored, as section 4 asks.
_FORBIDDEN: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64"})

_header: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Jws(msgspec.Struct, frozen=True):
    """A token whose header is acceptable; its payload means nothing before `verify` has passed."""

    kid: str
    payload: bytes
    signed: bytes
    signature: bytes

    @classmethod
    def read(cls, token: str) -> Self:
        """Take a token apart. Raises Refused for anything but three segments with an RS256 header and a `kid`."""
        if _SHAPE.fullmatch(token) is None:
            raise refused("The token is not a signed JSON web token.")
        signed, _, signature = token.rpartition(".")
        first, _, second = signed.partition(".")
        try:
            header = _header.decode(_decode(first))
            algorithm = msgspec.json.decode(header.get("alg", b"null"), type=str | None)
            kid = msgspec.json.decode(header.get("kid", b"null"), type=str | None)
            payload, signature_bytes = _decode(second), _decode(signature)
        except (ValueError, RecursionError):
            raise refused("The token is not a signed JSON web token.") from None
        if algorithm != ALGORITHM:
            raise refused(f"The token is not signed with {ALGORITHM}.")
        if not _FORBIDDEN.isdisjoint(header):
            raise refused("The token's header has a parameter that is not accepted.")
        if not kid:
            raise refused("The token does not name its key.")
        return cls(kid, payload, signed.encode("ascii"), signature_bytes)

    def verify(self, key: RSAPublicKey) -> None:
        """Raise Refused unless this key made the signature: RSASSA-PKCS1-v1_5 with SHA-256, and nothing else."""
        try:
            key.verify(self.signature, self.signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise bad_signature() from None


def bad_signature() -> Refused:
    return refused("The token's signature is not valid.")


def refused(message: str) -> Refused:
    return Refused(Code.UNAUTHENTICATED, message)


def _decode(segment: str) -> bytes:
    """The bytes of a base64url segment. Raises ValueError unless it is the one way to write them."""
    data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    # Stray bits in the last character would let one signature be written in several ways.
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii") != segment:
        raise ValueError("not canonical base64url")
    return data
