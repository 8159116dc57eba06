"""moto in server mode, in this process: S3, SQS, EventBridge, Cognito and whatever else it has."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import httpx
import msgspec

from devcloud.document import Document
from devcloud.names import Place
from devcloud.wire import Request, Response

# What belongs to one connection is not passed on.
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "content-length"}


class Backstage:
    """A moto server on a port of its own, which is reached through ours alone.

    It takes a second to load, in a thread: who asks for it earlier waits.
    """

    def __init__(self, place: Place, host: str) -> None:
        self._place = place
        self._host = host
        self._ready = asyncio.Event()
        self._failure: BaseException | None = None
        self._server: Any = None
        self._client = httpx.AsyncClient(trust_env=False, timeout=60.0)

    def start(self) -> None:
        """Begin to load it."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._load, args=(loop,), name="moto", daemon=True).start()

    async def ready(self) -> None:
        """Wait until it answers. Raises RuntimeError when it never will."""
        await self._ready.wait()
        if self._failure is not None:
            raise RuntimeError("moto cannot be started") from self._failure

    async def stop(self) -> None:
        await self._client.aclose()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

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
        return Response(status=answer.status_code, headers=headers, body=answer.content)

    async def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        """Write an object; False when there is no such bucket."""
        answer = await self._ask("PUT", f"/{bucket}/{key}", "s3", {"content-type": content_type}, body)
        return answer.status_code == 200

    async def send_message(self, queue: str, body: str) -> None:
        """Put a message on a queue, which is made when it is missing."""
        message = {"QueueUrl": await self.queue_url(queue), "MessageBody": body}
        if (await self._sqs("SendMessage", message)).status_code != 200:
            await self.create_queue(queue)
            answer = await self._sqs("SendMessage", message)
            assert answer.status_code == 200, answer.text

    async def create_queue(self, queue: str) -> str:
        """Make a queue, unless it is there; gives its URL."""
        answer = await self._sqs("CreateQueue", {"QueueName": queue})
        assert answer.status_code == 200, answer.text
        return await self.queue_url(queue)

    async def queue_url(self, queue: str) -> str:
        return f"http://{self._host}/{self._place.account}/{queue}"

    async def _sqs(self, operation: str, document: Document) -> httpx.Response:
        headers = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
        return await self._ask("POST", "/", "sqs", headers, msgspec.json.encode(document))

    async def _ask(self, method: str, path: str, service: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        await self.ready()
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

    def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            from moto.server import ThreadedMotoServer  # noqa: PLC0415

            # One line for each request would drown what matters.
            logging.getLogger("werkzeug").setLevel(logging.WARNING)
            server: Any = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            server.start()
            self._server = server
        except BaseException as error:  # noqa: BLE001 - who waits for it is told.
            self._failure = error
        loop.call_soon_threadsafe(self._ready.set)
