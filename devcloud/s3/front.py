"""S3 as clients meet it: faults, signatures and CORS around the operations."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import httpx

from devcloud import clock
from devcloud.faults import FaultSwitch, OperationFault
from devcloud.moto_server import MotoServer
from devcloud.s3.backend import Backend
from devcloud.s3.cors import Cors
from devcloud.s3.errors import STATUSES, S3Error
from devcloud.s3.objects import Objects, check_body
from devcloud.s3.operations import Asked, asked
from devcloud.s3.parts import Parts
from devcloud.s3.signatures import AccessKeys, Verifier, query_pairs
from devcloud.wire import Request, Response

log = logging.getLogger(__name__)

# Instead of an error: the connection ends without an answer.
CUT: Final = "cut"


class S3Front:
    """Answers requests to S3. `buckets` are those that every page may speak to."""

    def __init__(
        self, moto: MotoServer, faults: FaultSwitch, keys: AccessKeys, region: str, buckets: Iterable[str]
    ) -> None:
        self._faults = faults
        self._verifier = Verifier(keys, region)
        self._cors = Cors(buckets)
        self._backend = Backend(moto, region)
        objects = Objects(self._backend, self._verifier)
        parts = Parts(self._backend, objects)
        self._handlers: dict[str, Callable[[Request, Asked], Awaitable[Response]]] = {
            "PutObject": objects.put,
            "PostObject": objects.post,
            "GetObject": objects.read,
            "HeadObject": objects.read,
            "GetObjectAttributes": objects.attributes,
            "CopyObject": objects.copy,
            "DeleteObject": objects.delete,
            "CreateMultipartUpload": parts.create,
            "UploadPart": parts.upload,
            "CompleteMultipartUpload": parts.complete,
            "ListParts": parts.list,
            "AbortMultipartUpload": parts.abort,
            "ListMultipartUploads": parts.uploads,
            "PutBucketCors": self._put_cors,
            "DeleteBucketCors": self._delete_cors,
        }

    def speaks(self, request: Request, signed: str) -> bool:
        """Whether a request that is `signed` for this service, or for none by its headers, is for S3."""
        elsewhere = request.path.startswith("/moto-api") or "/.well-known/" in request.path
        if signed or request.header("x-amz-target") or elsewhere:
            return signed == "s3"
        scope = dict(query_pairs(request.query)).get("X-Amz-Credential", "").split("/")
        return len(scope) != 5 or scope[3] == "s3"

    async def answer(self, request: Request) -> Response:
        """The answer, also when the request is wrong; never raises."""
        what = asked(request)
        try:
            if request.method == "OPTIONS":
                return self._cors.preflight(what.bucket, request)
            response = await self._faulty(request, what)
        except S3Error as error:
            response = error.response()
        except (httpx.HTTPError, ImportError, OSError) as error:
            log.exception("moto does not answer")
            response = Response(status=502, body=f"moto does not answer: {error}".encode())
        more = self._cors.headers(what.bucket, request)
        return dataclasses.replace(response, headers=(*response.headers, *more)) if more else response

    async def _faulty(self, request: Request, what: Asked) -> Response:
        names = (f"s3.{what.operation}", f"s3.{request.method}")
        fault = await self._faults.hit(*names, when="before")
        if fault is None:
            response = await self._checked(request, what)
            fault = await self._faults.hit(*names, when="after")
        return failed(fault) if fault is not None else response

    async def _checked(self, request: Request, what: Asked) -> Response:
        try:
            if what.operation != "PostObject":
                self._verifier.check(request, clock.now())
            handler = self._handlers.get(what.operation, self._other)
            return await handler(request, what)
        except S3Error as error:
            return error.response()

    async def _other(self, request: Request, what: Asked) -> Response:
        if request.body:
            await check_body(request)
        return await self._backend.forward(request)

    async def _put_cors(self, request: Request, what: Asked) -> Response:
        answer = await self._other(request, what)
        if answer.status == 200:
            self._cors.put(what.bucket, request.body)
        return answer

    async def _delete_cors(self, request: Request, what: Asked) -> Response:
        answer = await self._other(request, what)
        if answer.status == 204:
            self._cors.delete(what.bucket)
        return answer


def failed(fault: OperationFault) -> Response:
    """The answer of an operation that has a fault."""
    if fault.error == CUT:
        return Response(cut=True)
    message = fault.message or "A test wanted it to fail."
    return S3Error(fault.error, message, STATUSES.get(fault.error, 400)).response()
