"""Signatures of Razorpay: HMAC-SHA256 in hex, of a webhook's raw body or of the ids that a callback carries.

A signature is compared in constant time. Whatever is no signature, such as None, bytes or another script, is a wrong
one: nothing raises. There may be several secrets while one replaces another. Source: "Validate and Test Webhooks" and
"Verify Payment Signature" of Razorpay.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

# Hex digits of SHA-256.
LENGTH: Final = 64


def webhook(body: bytes, signature: object, secrets: Iterable[str]) -> bool:
    """Whether the body, as it came and before it is decoded, is signed (`X-Razorpay-Signature`)."""
    return _signed(body, signature, secrets)


def checkout(order_id: str, payment_id: str, signature: object, secrets: Iterable[str]) -> bool:
    """Whether Razorpay says that this payment pays this order. `order_id` is of our row, never of the callback."""
    return _signed(_joined(order_id, payment_id), signature, secrets)


def link(link_id: str, reference: str, status: str, payment_id: str, signature: object, secrets: Iterable[str]) -> bool:
    """Whether Razorpay says that this payment pays this link: the callback of a payment link."""
    return _signed(_joined(link_id, reference, status, payment_id), signature, secrets)


def sign(content: bytes, secret: str) -> str:
    """The signature that Razorpay would send."""
    return hmac.digest(secret.encode(), content, hashlib.sha256).hex()


def _joined(*parts: str) -> bytes | None:
    """None where a part holds the mark between parts: such parts could be cut otherwise, and mean something else."""
    if any(not isinstance(part, str) or "|" in part for part in parts):
        return None
    return "|".join(parts).encode("utf-8", "surrogatepass")


def _signed(content: bytes | None, signature: object, secrets: Iterable[str]) -> bool:
    if content is None or not isinstance(signature, str) or len(signature) != LENGTH or not signature.isascii():
        return False
    # Every secret is tried, so that the time does not tell which one it was. An empty one signs nothing.
    return sum([hmac.compare_digest(sign(content, secret), signature) for secret in secrets if secret]) > 0
