"""Signatures of webhooks and callbacks, and whatever else may stand in their place."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
import razorpay
from hypothesis import given
from hypothesis import strategies as st

from modules.payments.vendor import signatures

BODY = b'{"event":"payment.captured", "note": "\xe2\x82\xb9 499"}'
SECRET = "whsec-1"


def signed(content: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def test_a_webhook_is_checked_by_its_raw_bytes() -> None:
    assert signatures.webhook(BODY, signed(BODY), [SECRET])
    assert not signatures.webhook(BODY.replace(b", ", b","), signed(BODY), [SECRET])
    assert not signatures.webhook(BODY, signed(BODY), ["another"])
    assert not signatures.webhook(BODY, signed(BODY), [])
    # Bytes that are no text at all.
    assert signatures.webhook(b"\xff\xfe", signed(b"\xff\xfe"), [SECRET])


def test_two_secrets_are_good_while_one_replaces_the_other() -> None:
    assert signatures.webhook(BODY, signed(BODY, "old"), ["new", "old"])
    assert signatures.webhook(BODY, signed(BODY, "new"), ["new", "old"])
    assert not signatures.webhook(BODY, signed(BODY, "older"), ["new", "old"])


def test_a_secret_that_is_not_set_signs_nothing() -> None:
    assert not signatures.webhook(BODY, signed(BODY, ""), ["", SECRET])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        b"",
        signed(BODY).encode(),
        "",
        "é" * 64,
        "१" * 64,
        "\ud800" * 64,
        signed(BODY)[:-1],
        signed(BODY) + " ",
        signed(BODY).upper(),
        "0" * 1_000_000,
        0,
        [signed(BODY)],
    ],
)
def test_what_is_no_signature_is_just_wrong(signature: Any) -> None:
    assert not signatures.webhook(BODY, signature, [SECRET])
    assert not signatures.checkout("order_1", "pay_1", signature, [SECRET])
    assert not signatures.link("plink_1", "ref", "paid", "pay_1", signature, [SECRET])


@given(st.binary(), st.text(), st.lists(st.text(), max_size=3))
def test_nothing_raises(body: bytes, signature: str, secrets: list[str]) -> None:
    assert not signatures.webhook(body, signature, [secret.encode("utf-8", "ignore").decode() for secret in secrets])
    assert not signatures.checkout(signature, signature, signature, [SECRET])


def test_a_callback_is_checked_as_the_sdk_does() -> None:
    client = razorpay.Client(auth=("rzp_test_1", SECRET))
    good = signatures.sign(b"order_1|pay_1", SECRET)
    client.utility.verify_payment_signature(
        {"razorpay_order_id": "order_1", "razorpay_payment_id": "pay_1", "razorpay_signature": good}
    )
    assert signatures.checkout("order_1", "pay_1", good, ["newer", SECRET])
    assert not signatures.checkout("order_2", "pay_1", good, [SECRET])
    assert not signatures.checkout("order_1", "pay_2", good, [SECRET])
    good = signatures.sign(b"plink_1|ref-1|paid|pay_1", SECRET)
    client.utility.verify_payment_link_signature(
        {
            "payment_link_id": "plink_1",
            "payment_link_reference_id": "ref-1",
            "payment_link_status": "paid",
            "razorpay_payment_id": "pay_1",
            "razorpay_signature": good,
        }
    )
    assert signatures.link("plink_1", "ref-1", "paid", "pay_1", good, [SECRET])
    assert not signatures.link("plink_1", "ref-1", "expired", "pay_1", good, [SECRET])
    client.utility.verify_webhook_signature(BODY.decode(), signatures.sign(BODY, SECRET), SECRET)


def test_parts_that_could_be_cut_otherwise_are_no_callback() -> None:
    good = signatures.sign(b"order_1|pay_1|x", SECRET)
    assert not signatures.checkout("order_1", "pay_1|x", good, [SECRET])
    assert not signatures.checkout("order_1|pay_1", "x", good, [SECRET])
    assert not signatures.checkout(None, "pay_1", good, [SECRET])  # type: ignore[arg-type]


@pytest.mark.parametrize("signature", [None, b"0" * 64, "é" * 64])
def test_the_sdk_raises_where_ours_says_no(signature: Any) -> None:
    """Why these are not the SDK's: what anybody may send ends in a TypeError there."""
    with pytest.raises((TypeError, AttributeError)):
        razorpay.Client(auth=("k", SECRET)).utility.verify_webhook_signature("{}", signature, SECRET)
