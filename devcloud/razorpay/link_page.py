"""The page of a payment link: a customer pays there by a click, and goes on to the merchant's callback."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlencode

import msgspec

from devcloud.razorpay import customer, payment_links
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import PaymentLink
from devcloud.razorpay.errors import RazorpayError
from devcloud.wire import Request, Response

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Razorpay stand-in</title></head><body>
<h1>{amount}</h1><p>{description}</p><p>Status: {status}</p>
<form method="post">{buttons}</form></body></html>"""

BUTTONS = (("success", "Pay by UPI"), ("failure", "Let the payment fail"), ("late", "Let it succeed an hour later"))


async def answer(account: Account, request: Request) -> Response:
    """The page, or the way on after its form was sent."""
    try:
        link = payment_links.get(account, request.path.removeprefix(payment_links.PAGE).partition("/")[0])
        if request.method == "POST":
            return _pay(account, link, request)
    except (RazorpayError, msgspec.ValidationError) as error:
        return _html(f"<p>{escape(str(error))}</p>", 400)
    open_ = link.status in ("created", "partially_paid")
    buttons = "".join(f'<button name="outcome" value="{value}">{text}</button> ' for value, text in BUTTONS)
    return _html(
        PAGE.format(
            amount=f"{link.currency} {(link.amount - link.amount_paid) / 100:.2f}",
            description=escape(link.description),
            status=link.status,
            buttons=buttons if open_ else "",
        )
    )


def _pay(account: Account, link: PaymentLink, request: Request) -> Response:
    chosen = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    checkout = msgspec.convert(chosen | {"payment_link_id": link.id}, type=customer.Checkout, strict=False)
    handed = customer.pay(account, checkout)
    account.store.touch()
    if link.callback_url and "razorpay_signature" in handed:
        query = urlencode({name: value for name, value in handed.items() if name.startswith("razorpay_")})
        mark = "&" if "?" in link.callback_url else "?"
        return Response(status=302, headers=(("location", f"{link.callback_url}{mark}{query}"),))
    return Response(status=303, headers=(("location", link.short_url),))


def _html(text: str, status: int = 200) -> Response:
    return Response(status=status, headers=(("content-type", "text/html; charset=utf-8"),), body=text.encode())
