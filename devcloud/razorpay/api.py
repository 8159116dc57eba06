"""Answers requests as Razorpay's API: the keys, the faults, the operation, and errors in Razorpay's shape."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging

import msgspec

from devcloud.document import Document
from devcloud.faults import FaultSwitch, OperationFault
from devcloud.razorpay import disputes, orders, payment_links, payments, refunds, settlements
from devcloud.razorpay.account import Account
from devcloud.razorpay.errors import RazorpayError, not_applicable
from devcloud.razorpay.operations import Call, Operation, operations
from devcloud.wire import Request, Response

log = logging.getLogger(__name__)

PREFIX = "/razorpay/v1/"

# Importing a module registers its operations.
BUILT = (orders, payments, refunds, payment_links, settlements, disputes)

TOO_MANY = not_applicable("Request failed. Please try after sometime.", status=429)
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"

# What a fault of an operation may be called.
ERRORS = ("bad_request", "too_many_requests", "server_error", "gateway_error", "html", "html_ok", "cut")


class Api:
    """The operations, behind the key of the account."""

    def __init__(self, account: Account, faults: FaultSwitch) -> None:
        self._account = account
        self._faults = faults
        self._refunding: set[str] = set()

    async def answer(self, request: Request) -> Response:
        """The answer to a request below `PREFIX`."""
        if not self._allowed(request):
            return _json(not_applicable("Authentication failed", status=401).document(), 401)
        found = operations.find(request.method, request.path.removeprefix(PREFIX))
        if found is None:
            return _json(not_applicable("The requested URL was not found on the server.").document(), 400)
        operation, ids = found
        refund_key = request.header(refunds.KEY_HEADER)
        if refund_key in self._refunding:
            return _json(not_applicable("A request with the same idempotency key is in progress.").document(), 409)
        if refund_key:
            self._refunding.add(refund_key)
        try:
            return await self._operate(operation, Call(request=request, ids=ids))
        finally:
            self._refunding.discard(refund_key)

    async def _operate(self, operation: Operation, call: Call) -> Response:
        key = f"razorpay.{operation.name}"
        fault = await self._faults.hit(key, when="before")
        if fault is not None:
            return _failed(fault)
        try:
            document = operation.handler(self._account, call)
            status = 200
        except RazorpayError as error:
            document, status = error.document(), error.status
        except Exception:
            log.exception("%s failed", key)
            document, status = _server_error(), 500
        if call.request.method != "GET":
            self._account.store.touch()
        fault = await self._faults.hit(key, when="after")
        return _failed(fault) if fault is not None else _json(document, status)

    def _allowed(self, request: Request) -> bool:
        scheme, _, credentials = request.header("authorization").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(credentials, validate=True)
        except (binascii.Error, ValueError):
            return False
        settings = self._account.settings
        return hmac.compare_digest(given, f"{settings.key_id}:{settings.key_secret}".encode())


def _failed(fault: OperationFault) -> Response:
    html = (("content-type", "text/html"),)
    if fault.error == "cut":
        return Response(cut=True)
    if fault.error == "html":
        return Response(status=502, headers=html, body=HTML)
    if fault.error == "html_ok":
        return Response(headers=html, body=HTML)
    if fault.error == "bad_request":
        return _json(RazorpayError(fault.message or "The request is refused.").document(), 400)
    if fault.error == "too_many_requests":
        return _json(TOO_MANY.document(), 429)
    if fault.error == "gateway_error":
        error = RazorpayError(
            fault.message or "Payment processing failed due to error at bank or wallet gateway",
            code="GATEWAY_ERROR",
            source="gateway",
            step="payment_authorization",
            reason="gateway_technical_error",
        )
        return _json(error.document(), 502)
    return _json(_server_error(fault.message), 500)


def _server_error(message: str = "") -> Document:
    said = message or "We are facing some trouble completing your request at the moment. Please try again shortly."
    return RazorpayError(
        said, code="SERVER_ERROR", source="internal", step="payment_initiation", reason="server_error"
    ).document()


def _json(document: Document, status: int = 200) -> Response:
    headers = (("content-type", "application/json"),)
    return Response(status=status, headers=headers, body=msgspec.json.encode(document))
