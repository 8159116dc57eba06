"""Answers one request to a modelled service: route, faults, validation, quotas, handler, answer."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping

import msgspec

from devcloud.cloud import Cloud, Handler
from devcloud.document import Document
from devcloud.errors import NotBuilt, Refused
from devcloud.faults import OperationFault
from devcloud.model import Models, Operation
from devcloud.validation import Malformed, refusal
from devcloud.wire import Request, Response

log = logging.getLogger(__name__)

# Errors that any AWS service may answer, whether an operation's model has them or not.
FRAMEWORK: Mapping[str, int] = {
    "AccessDeniedException": 403,
    "InternalServerException": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "NotImplemented": 501,
    "SerializationException": 400,
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
    "ValidationException": 400,
}


class Services:
    """The modelled services over one cloud; `built` are their handlers by operation."""

    def __init__(self, cloud: Cloud, models: Models, built: Mapping[str, Handler]) -> None:
        self._cloud = cloud
        self._models = models
        self._built = built
        known = {operation.key for operation in models.operations}
        assert set(built) <= known, set(built) - known

    @property
    def missing(self) -> list[str]:
        """The operations that are modelled and not built."""
        return sorted(operation.key for operation in self._models.operations if operation.key not in self._built)

    def speaks(self, signed: str) -> bool:
        """Whether requests signed for this service are answered here."""
        return self._models.speaks(signed)

    async def answer(self, request: Request) -> Response:
        """The answer, also when the request is wrong; never raises."""
        region, signed = request.scope
        found = self._models.find(signed, request.method, request.path)
        if found is None:
            return _error(None, Refused("UnknownOperationException", f"{request.method} {request.path} is nothing."))
        operation, match = found
        try:
            if region != self._cloud.place.region:
                message = f"Credential should be scoped to a valid region: it is {self._cloud.place.region} here."
                raise Refused("InvalidSignatureException", message)
            return await self._do(operation, match, request)
        except Refused as refused:
            return _error(operation, refused)
        except Exception:
            log.exception("%s failed", operation.key)
            return _error(operation, Refused("InternalServerException", "The stand-in has failed; see its log."))

    async def _do(self, operation: Operation, match: re.Match[str], request: Request) -> Response:
        _fail(await self._cloud.faults.hit(operation.key, when="before"))
        document = self._read(operation, match, request)
        self._cloud.quotas.call(operation.key, document)
        handler = self._built.get(operation.key)
        if handler is None:
            raise NotBuilt(operation.key)
        answer = handler(self._cloud, document)
        # Written before the store is: the answer is made of documents that other requests change.
        body = operation.write(answer or {})
        self._cloud.store.save()
        _fail(await self._cloud.faults.hit(operation.key, when="after"))
        return Response(status=operation.status, headers=_headers(), body=body)

    def _read(self, operation: Operation, match: re.Match[str], request: Request) -> Document:
        try:
            document = operation.read(match, request.parameters, request.body)
            found = operation.check(document)
        except Malformed as malformed:
            raise Refused("SerializationException", str(malformed)) from None
        if found:
            raise Refused("ValidationException", refusal(found))
        return document


def _fail(fault: OperationFault | None) -> None:
    if fault is not None:
        raise Refused(fault.error, fault.message or "A test wanted it to fail.")


def _error(operation: Operation | None, refused: Refused) -> Response:
    modelled = operation.errors if operation is not None else {}
    status = modelled.get(refused.code) or FRAMEWORK.get(refused.code, 500)
    body: Document = {"message": refused.message}
    if operation is not None:
        body = operation.explain(refused.code, refused.message, refused.resource)
    return Response(
        status=status,
        headers=(*_headers(), ("x-amzn-errortype", refused.code)),
        body=msgspec.json.encode(body),
    )


def _headers() -> tuple[tuple[str, str], ...]:
    return (("content-type", "application/json"), ("x-amzn-requestid", str(uuid.uuid4())))
