"""Compresses responses with zstd (RFC 8878), or gzip for clients without it.

Litestar's middleware makes its compressor at each request, also for the many answers that are too small to need one.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdCompressor
else:
    from backports.zstd import ZstdCompressor

# An option of routes: event streams, whose pieces must be sent at once, and answers that are mostly a signed token.
EXCLUDED: Final = "uncompressed"
ZSTD_LEVEL: Final = 3
# Level 9 costs several times more for a few percent.
GZIP_LEVEL: Final = 5
# `wbits` of zlib for the frame of gzip (RFC 1952).
GZIP_FRAME: Final = 31

# Compresses a piece of a body; with True it is the last one.
Compress = Callable[[bytes, bool], bytes]


class Compression(ASGIMiddleware):
    """The outermost middleware: idempotency stores answers uncompressed, and each caller gets its own encoding."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, least: int) -> None:
        """`least` is the size in bytes from which a body is compressed."""
        self._least = least

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        accepted = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"").lower()
        encoding = b"zstd" if takes(accepted, b"zstd") else b"gzip" if takes(accepted, b"gzip") else None
        if encoding is None or scope["route_handler"].opt.get(EXCLUDED):
            await next_app(scope, receive, send)
            return
        start: Any = None
        compress: Compress | None = None

        async def compressed(message: Any) -> None:
            nonlocal start, compress
            if message["type"] == "http.response.start":
                if _is_plain(message):
                    start = message
                else:
                    await send(message)
                return
            if start is None and compress is None:
                await send(message)
                return
            body, more = message.get("body", b""), message.get("more_body", False)
            if start is not None:
                head, start = start, None
                if not more and len(body) < self._least:
                    await send(head)
                    await send(message)
                    return
                compress = zstd() if encoding == b"zstd" else _gzip()
                body = compress(body, not more)
                await send(head | {"headers": _encoded(head["headers"], encoding, None if more else len(body))})
            elif compress is not None:
                body = compress(body, not more)
            await send({"type": "http.response.body", "body": body, "more_body": more})

        await next_app(scope, receive, compressed)


def takes(accepted: bytes, encoding: bytes) -> bool:
    """Whether `Accept-Encoding` names this encoding and does not refuse it (RFC 9110, section 12.5.3)."""
    if encoding not in accepted:
        return False
    for item in accepted.split(b","):
        name, _, weight = item.partition(b";")
        if name.strip() == encoding:
            return weight.replace(b" ", b"").rstrip(b"0") not in (b"q=", b"q=0.")
    return False


def _is_plain(start: Any) -> bool:
    """Whether an answer has a body that nobody has encoded yet."""
    encoded = any(name.lower() == b"content-encoding" for name, _ in start["headers"])
    return not encoded and start["status"] not in (204, 304)


def _encoded(headers: Any, encoding: bytes, size: int | None) -> list[tuple[bytes, bytes]]:
    """The headers of the encoded answer. `size` is None for one that is sent in pieces."""
    kept = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"vary")]
    vary = [value for name, value in headers if name.lower() == b"vary"]
    kept += [(b"content-encoding", encoding), (b"vary", b", ".join([*vary, b"Accept-Encoding"]))]
    return kept if size is None else [*kept, (b"content-length", b"%d" % size)]


def zstd() -> Compress:
    compressor = ZstdCompressor(level=ZSTD_LEVEL)

    def compress(body: bytes, ends: bool) -> bytes:
        mode = ZstdCompressor.FLUSH_FRAME if ends else ZstdCompressor.FLUSH_BLOCK
        return compressor.compress(body, mode=mode)  # type: ignore[arg-type]

    return compress


def _gzip() -> Compress:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_FRAME)
    return lambda body, ends: compressor.compress(body) + compressor.flush(zlib.Z_FINISH if ends else zlib.Z_SYNC_FLUSH)
