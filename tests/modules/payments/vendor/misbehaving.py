"""A server in Razorpay's place that answers as a test says, and otherwise than Razorpay should.

It runs in threads of its own, so that a call that blocks the event loop does not block it too.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: Any
    handler: Handler = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


Behaviour = Callable[[Request], None]


def answers(content: Any, status: int = 200, **headers: str) -> Behaviour:
    """JSON, or what the text says."""

    def act(request: Request) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        request.handler.send_response(status)
        for name, value in headers.items():
            request.handler.send_header(name.replace("_", "-"), value)
        request.handler.send_header("Content-Length", str(len(body)))
        request.handler.end_headers()
        request.handler.wfile.write(body)

    return act


def refuses(description: str, status: int = 400, code: str = "BAD_REQUEST_ERROR", **headers: str) -> Behaviour:
    error = {"code": code, "description": description, "reason": "input_validation_failed", "field": "receipt"}
    return answers({"error": error}, status, **headers)


def html(status: int) -> Behaviour:
    return answers("<html><h1>Bad gateway</h1></html>", status, Content_Type="text/html")


def cuts(request: Request) -> None:
    """The connection ends, after the request was read."""
    request.handler.cut()


def cuts_in_the_middle(request: Request) -> None:
    request.handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"id":')
    request.handler.cut()


def hangs(request: Request) -> None:
    """Nothing comes, until the server ends."""
    request.handler.server.ended.wait()


def hangs_in_the_middle(request: Request) -> None:
    """Nothing more comes, until the server ends."""
    request.handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"id":')
    request.handler.server.ended.wait()


def trickles_its_head(request: Request) -> None:
    _trickle(request, b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n")


def trickles_its_body(request: Request) -> None:
    _trickle(request, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")


def _trickle(request: Request, first: bytes, then: bytes) -> None:
    with contextlib.suppress(OSError):
        request.handler.wfile.write(first)
        while not request.handler.server.ended.wait(0.02):
            request.handler.wfile.write(then)
    request.handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Misbehaving

    def handle_any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(raw) if raw else None
        request = Request(self.command, self.path, dict(self.headers.items()), body, self)
        with self.server.lock:
            self.server.requests.append(request)
            behaviour = self.server.script.popleft() if self.server.script else self.server.otherwise
        behaviour(request)

    do_GET = do_POST = do_PATCH = do_CONNECT = handle_any

    def cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None: ...

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()


class Misbehaving(ThreadingHTTPServer):
    """Each request takes the next behaviour of `script`; when there is none, `otherwise` answers."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.requests: list[Request] = []
        self.script: deque[Behaviour] = deque()
        self.otherwise: Behaviour = answers({"error": {"code": "BAD_REQUEST_ERROR"}}, 400)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self.tls is None:
            return connection, address
        # The handshake is made at the first read, in the thread of that connection.
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None: ...

    def does(self, *behaviours: Behaviour) -> None:
        self.script.extend(behaviours)

    def seen(self) -> list[tuple[str, str]]:
        """Method and path of each request."""
        return [(request.method, request.path) for request in self.requests]


@contextlib.contextmanager
def misbehaving(tls: ssl.SSLContext | None = None) -> Iterator[Misbehaving]:
    server = Misbehaving(tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
