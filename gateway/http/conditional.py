"""`If-None-Match` on every GET of a module: what has not changed is answered with 304 and no body.

An answer in JSON, or a calendar, without an `ETag` of its own is given one: a hash of its body. It is weak, because the
same answer may be sent compressed or not. Other answers without one (playlists, event streams) pass by untouched. A
route that shows what its `rev` does not count, such as the time of a last visit, says `conditional=False` and always
answers whole.

Source: RFC 9110, sections 8.8.3 (ETag), 13.1.2 (If-None-Match) and 15.4.5 (304).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

OPT: Final = "conditional"
HEADER: Final = "If-None-Match"
CALENDAR: Final = "text/calendar"
TAGGED: Final = frozenset({b"application/json", CALENDAR.encode()})
TAG: Final = re.compile(rb'(?:W/)?"([!#-~\x80-\xff]*)"')
# RFC 9110, section 15.4.5: what describes a body stays away from an answer without one.
OF_THE_BODY: Final = frozenset({b"content-length", b"content-type", b"content-encoding"})


class ConditionalRequests(ASGIMiddleware):
    """Stands within the admission, so that 304 is answered to nobody who may not read."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope.get("method") != "GET" or not scope["route_handler"].opt.get(OPT, False):
            await next_app(scope, receive, send)
            return
        start: Any = None
        unchanged = False

        async def answer(message: Any) -> None:
            nonlocal start, unchanged
            if unchanged:
                return
            if message["type"] == "http.response.start" and message["status"] == 200:
                if (own := _own_tag(message)) is not None and matches(_given(scope), own):
                    unchanged = True
                    await _send_unchanged(send, message)
                    return
                if own is None and _is_tagged(message):
                    start = message
                    return
            if start is None:
                await send(message)
                return
            head, start = start, None
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                tag = _tag(head, message.get("body", b""))
                if matches(_given(scope), tag):
                    await _send_unchanged(send, head)
                    return
            await send(head)
            await send(message)

        await next_app(scope, receive, answer)


def matches(given: Iterable[bytes], tag: bytes) -> bool:
    """Whether an `If-None-Match` names this tag or is `*`; weak and strong tags are compared alike."""
    listed = b",".join(given).strip()
    return listed == b"*" or ((opaque := TAG.fullmatch(tag)) is not None and opaque[1] in TAG.findall(listed))


def _given(scope: Scope) -> Iterable[bytes]:
    return [value for name, value in scope["headers"] if name == b"if-none-match"]


def _is_tagged(start: Any) -> bool:
    """An answer of a kind that clients poll."""
    kind = next((value for name, value in start.get("headers", ()) if name.lower() == b"content-type"), b"")
    return kind.partition(b";")[0].strip().lower() in TAGGED


def _own_tag(start: Any) -> bytes | None:
    return next((bytes(value) for name, value in start.get("headers", ()) if name.lower() == b"etag"), None)


def _tag(start: Any, body: bytes) -> bytes:
    """A new ETag, of the answer's body, which is put into its headers."""
    tag = b'W/"%s"' % blake2b(body, digest_size=16).hexdigest().encode()
    start["headers"] = [*start["headers"], (b"etag", tag)]
    return tag


async def _send_unchanged(send: Send, start: Any) -> None:
    await send({"type": "http.response.start", "status": 304, "headers": _bare(start.get("headers", ()))})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _bare(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of the 304 for an answer with these. A cache must learn that the body depends on its encoding."""
    kept = [(name, value) for name, value in headers if name.lower() not in OF_THE_BODY]
    return [*kept, (b"vary", b"Accept-Encoding")]
