"""The checkout of an order: `checkout.js`, which a merchant's page loads, and the page that it shows in a frame."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from devcloud.razorpay import orders
from devcloud.razorpay.account import Account
from devcloud.razorpay.entities import Order
from devcloud.razorpay.errors import RazorpayError
from devcloud.wire import Request, Response

PATH = "/razorpay/checkout"

FILES = Path(__file__).parent / "checkout"
ASSETS = {
    f"{PATH}.js": ("checkout.js", "text/javascript"),
    f"{PATH}/page.js": ("page.js", "text/javascript"),
    f"{PATH}/page.css": ("page.css", "text/css"),
}
# Without `form-action`: the callback is the merchant's. Any page may show it in a frame, as with Razorpay.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
METHODS = ("upi", "card", "netbanking", "wallet")
DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3, "OMR": 3}

REFUSED = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Checkout (stand-in for Razorpay)</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/razorpay/checkout/page.css">
<script type="module" src="/razorpay/checkout/page.js"></script></head>
<body><header><h1>This cannot be paid</h1>
<button id="close" type="button" aria-label="Close the checkout">×</button></header>
<main data-origin="{origin}"><p id="note" role="alert">{said}</p></main></body></html>"""


def speaks(path: str) -> bool:
    """Whether a path is of the checkout."""
    return path == PATH or path in ASSETS


def answer(account: Account, request: Request) -> Response:
    """The script, a part of the page, or the page for the order in the query."""
    if request.method not in ("GET", "HEAD"):
        return Response(status=405, headers=(("allow", "GET, HEAD"),))
    if request.path in ASSETS:
        name, kind = ASSETS[request.path]
        return _response((FILES / name).read_bytes(), kind)
    given = {name: values[-1] for name, values in request.parameters.items()}
    try:
        text, status = _page(account, given), 200
    except RazorpayError as error:
        said = {"origin": escape(_address(given, "origin")), "said": escape(error.description)}
        text, status = REFUSED.format_map(said), 400
    return _response(text.encode(), "text/html; charset=utf-8", status)


def _page(account: Account, given: dict[str, str]) -> str:
    if given.get("key_id", account.settings.key_id) != account.settings.key_id:
        raise RazorpayError("The api key provided is invalid")
    order = orders.get(account, given.get("order_id", ""))
    chosen = given.get("prefill_method", "")
    values = {
        "name": given.get("name") or "Razorpay",
        "description": given.get("description", ""),
        "amount": _amount(order),
        "order_id": order.id,
        "note": "This order is paid already. What is paid now is paid once more." if order.status == "paid" else "",
        "email": given.get("prefill_email", ""),
        "contact": given.get("prefill_contact", ""),
        "retry": "no" if given.get("retry") == "no" else "yes",
        "origin": _address(given, "origin"),
        "callback_url": _address(given, "callback_url"),
    }
    template = (FILES / "page.html").read_text(encoding="utf-8")
    first = chosen if chosen in METHODS else METHODS[0]
    checked = {method: "checked" if method == first else "" for method in METHODS}
    return template.format_map({name: escape(value) for name, value in values.items()} | checked)


def _address(given: dict[str, str], name: str) -> str:
    """An address of the web that the query names, and nothing else."""
    address = given.get(name, "")
    return address if urlsplit(address).scheme in ("http", "https") else ""


def _amount(order: Order) -> str:
    decimals = DECIMALS.get(order.currency, 2)
    amount = Decimal(order.amount_due or order.amount).scaleb(-decimals)
    sign = "₹" if order.currency == "INR" else f"{order.currency} "
    return f"{sign}{amount:,.{decimals}f}"


def _response(body: bytes, kind: str, status: int = 200) -> Response:
    headers = (
        ("content-type", kind),
        ("content-security-policy", POLICY),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    )
    return Response(status=status, headers=headers, body=body)
