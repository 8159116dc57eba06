"""moto in server mode, in this process: S3, SQS, EventBridge, Cognito and whatever else it has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from devcloud.document import Document
from devcloud.names import Place
from devcloud.wire import Request, Response

# What belongs to one connection is not passed on.
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "content-length"}


class MotoServer:
    """A moto server on a port of its own, which is reached through ours alone.

    It takes a second to load, which happens in a thread when it is first needed: a `ksmp dev` starts no later for it.
    `queues` and `buckets` are there before anything is asked of it. `news` is the event that is set by the next message
    that is sent to any queue; then there is another one.
    """

    def __init__(self, place: Place, host: str, queues: Sequence[str], buckets: Sequence[str]) -> None:
        self._place = place
        self._host = host
        self._queues = tuple(queues)
        self._buckets = tuple(buckets)
        self.news = asyncio.Event()
        self._loading: asyncio.Task[None] | None = None
        self._server: Any = None
        self._client = httpx.AsyncClient(trust_env=False, timeout=60.0)

    async def ready(self) -> None:
        """Wait until it answers, and load it when nobody did. Raises what keeps it from loading."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._start())
        await asyncio.shield(self._loading)

    async def stop(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)
        await self._client.aclose()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    async def _start(self) -> None:
        self._server = await asyncio.to_thread(_load)
        for queue in self._queues:
            answer = await self._sqs("CreateQueue", {"QueueName": queue})
            assert answer.status_code == 200, answer.text
        elsewhere = f"<LocationConstraint>{self._place.region}</LocationConstraint>"
        place = f"<CreateBucketConfiguration>{elsewhere}</CreateBucketConfiguration>"
        for bucket in self._buckets:
            # S3's first region is the one that may not be named.
            body = b"" if self._place.region == "us-east-1" else place.encode()
            answer = await self._ask("PUT", f"/{bucket}", "s3", {}, body)
            assert answer.status_code == 200, answer.text

    async def forward(self, request: Request) -> Response:
        """Let moto answer a request; it sees the address that the client used, which is in the URLs it makes up."""
        await self.ready()
        answer = await self._client.request(
            request.method,
            self._url(request.path, request.query),
            headers=[(name, value) for name, value in request.headers if name not in _HOP],
            content=request.body,
        )
        # The body arrives decoded; only the answer to a HEAD has no body to take its length from.
        left = _HOP - {"content-length"} if request.method == "HEAD" else _HOP
        left = left | {"content-encoding"} if answer.headers.get("content-encoding") == "gzip" else left
        headers = tuple((name, value) for name, value in answer.headers.multi_items() if name not in left)
        if "SendMessage" in request.header("x-amz-target"):
            self._tell()
        return Response(status=answer.status_code, headers=headers, body=answer.content)

    async def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        """Write an object; False when there is no such bucket."""
        await self.ready()
        answer = await self._ask("PUT", f"/{bucket}/{key}", "s3", {"content-type": content_type}, body)
        return answer.status_code == 200

    async def send_message(self, queue: str, body: str) -> None:
        """Put a message on a queue; who deleted the queue loses it."""
        await self.ready()
        url = f"http://{self._host}/{self._place.account}/{queue}"
        await self._sqs("SendMessage", {"QueueUrl": url, "MessageBody": body})
        self._tell()

    def _tell(self) -> None:
        old, self.news = self.news, asyncio.Event()
        old.set()

    async def _sqs(self, operation: str, document: Document) -> httpx.Response:
        headers = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
        return await self._ask("POST", "/", "sqs", headers, msgspec.json.encode(document))

    async def _ask(self, method: str, path: str, service: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        # moto verifies no signature; it only reads which service and region a request is for.
        scope = f"devcloud/20200714/{self._place.region}/{service}/aws4_request"
        signed = {
            "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=devcloud",
            "host": self._host,
        }
        return await self._client.request(method, self._url(path), headers=headers | signed, content=body)

    def _url(self, path: str, query: str = "") -> str:
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}{path}" + (f"?{query}" if query else "")


def _load() -> Any:
    """A moto server that runs in threads of its own; blocks for about a second."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    # One line for each request would drown what matters.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server: Any = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return server
