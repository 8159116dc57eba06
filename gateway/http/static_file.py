"""A file that is made once and then answered as it was: whole, compressed, or with 304.

It is for files that are large, that anyone may ask for, and that stay the same while the process lives.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

from litestar import Request, Response

from gateway.http import conditional
from gateway.http.compression import takes, zstd

# To be asked for again each time, by its ETag.
CHECKED: Final = "public, no-cache"
A_DAY: Final = "public, max-age=86400"
# For a name that has its version in it.
FOR_EVER: Final = "public, max-age=31536000, immutable"
TYPES: Final = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}


class StaticFile:
    """A body that is made at the first request, in a thread. `headers` are added to each answer."""

    def __init__(
        self, make: Callable[[], bytes], media_type: str, cache: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._make = make
        self._headers = {"Content-Type": media_type, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        self._headers |= headers or {}
        self._made: asyncio.Future[dict[str, bytes]] | None = None

    async def answer(self, request: Request[Any, Any, Any]) -> Response[Any]:
        # What failed once, as for want of a file descriptor, is tried again.
        made = self._made
        if made is None or (made.done() and (made.cancelled() or made.exception() is not None)):
            made = self._made = asyncio.ensure_future(asyncio.to_thread(self._bodies))
        # Who goes away does not take it from the others who wait.
        bodies = await asyncio.shield(made)
        tag = self._headers["ETag"]
        given = [value for name, value in request.scope["headers"] if name == b"if-none-match"]
        if conditional.matches(given, tag.encode()):
            kept = {name: self._headers[name] for name in ("ETag", "Cache-Control", "Vary")}
            return Response(None, status_code=304, headers=kept)
        accepted = request.headers.get("accept-encoding", "").lower().encode()
        for encoding in ("zstd", "gzip"):
            if takes(accepted, encoding.encode()):
                return Response(bodies[encoding], headers=self._headers | {"Content-Encoding": encoding})
        return Response(bodies[""], headers=self._headers)

    def _bodies(self) -> dict[str, bytes]:
        body = self._make()
        self._headers["ETag"] = f'W/"{blake2b(body, digest_size=16).hexdigest()}"'
        gzip = zlib.compressobj(9, wbits=31)
        return {"": body, "zstd": zstd()(body, True), "gzip": gzip.compress(body) + gzip.flush()}
