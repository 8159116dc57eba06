"""`Idempotency-Key` on routes that create or charge: a repeat gets the answer of the first request, and does nothing.

    @post("/programs", policy=…, idempotent=True)         the key may be left out
    @post("/payments", policy=…, idempotent="required")   it may not

A key belongs to one user, or one service. Before the route runs, one statement claims the key in PostgreSQL with the
request's fingerprint. A repeat in the meantime is `conflict`, and one with another body is `key_reused`. The answer is
stored before it is sent. The key is free again after an answer that may change later (5xx, 408, 425, 429). It is also
free after the lease, when the gateway died during the request. Nobody then knows whether the work was done, so what
must never happen twice needs a unique key in its own table too.
"""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.db.database import PostgresDatabase
from gateway.errors import BadInput, Code, Conflict, KsmpError, Unavailable, invalid
from gateway.http import problems
from gateway.principal import Principal, ServicePrincipal

log = structlog.get_logger(__name__)

OPT: Final = "idempotent"
HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
# With these statuses the same request may succeed later, so the answer is not stored.
PASSING: Final = frozenset({408, 425, 429})
SWEEP: Final = 3600.0

# Takes a key that is new, older than `kept`, or whose request has not been answered within its lease.
CLAIM: Final = """
    INSERT INTO idempotency_key AS held (principal, key, fingerprint, claim) VALUES ($1, $2, $3, $4)
    ON CONFLICT (principal, key) DO UPDATE SET
        fingerprint = EXCLUDED.fingerprint, claim = EXCLUDED.claim, started_at = now(),
        status = NULL, headers = NULL, body = NULL
    WHERE held.started_at < now() - make_interval(secs => $5)
        OR (held.status IS NULL AND held.fingerprint = EXCLUDED.fingerprint
            AND held.started_at < now() - make_interval(secs => $6))
    RETURNING true
"""
HELD: Final = "SELECT fingerprint, status, headers, body FROM idempotency_key WHERE principal = $1 AND key = $2"
FINISH: Final = """
    UPDATE idempotency_key SET status = $4, headers = $5, body = $6 WHERE principal = $1 AND key = $2 AND claim = $3
"""
RELEASE: Final = "DELETE FROM idempotency_key WHERE principal = $1 AND key = $2 AND claim = $3"
FORGET: Final = "DELETE FROM idempotency_key WHERE started_at < now() - make_interval(secs => $1)"


class StoredAnswer(msgspec.Struct, frozen=True):
    """A route's answer: status, headers as latin-1 pairs, and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class IdempotencyKeys:
    """The table of keys. Every method raises Unavailable without PostgreSQL."""

    def __init__(self, database: PostgresDatabase, *, kept: float, lease: float) -> None:
        self._database = database
        self._kept = kept
        self._lease = lease

    async def claim(self, principal: str, key: str, fingerprint: bytes, claim: uuid.UUID) -> StoredAnswer | None:
        """Claim a key for a request. Returns None when that worked, else the first answer.

        Raises Conflict, which is temporary, while the first is being served, and BadInput `key_reused` when it was
        another request.
        """
        # Twice, since a key may be released between the two statements.
        for _ in range(2):
            if await self._database.fetch(CLAIM, principal, key, fingerprint, claim, self._kept, self._lease):
                return None
            for row in await self._database.fetch(HELD, principal, key):
                if row["fingerprint"] != fingerprint:
                    raise BadInput(Code.KEY_REUSED, "this Idempotency-Key was used for another request")
                if row["status"] is not None:
                    headers = msgspec.json.decode(row["headers"], type=list[tuple[str, str]])
                    return StoredAnswer(row["status"], headers, row["body"])
        # Over in a moment: the same request is answered then.
        raise Conflict("the first request with this Idempotency-Key is being served", retry_after=1.0)

    async def finish(self, principal: str, key: str, claim: uuid.UUID, answer: StoredAnswer) -> None:
        """Store the answer."""
        headers = msgspec.json.encode(answer.headers).decode()
        await self._database.fetch(FINISH, principal, key, claim, answer.status, headers, answer.body)

    async def release(self, principal: str, key: str, claim: uuid.UUID) -> None:
        """Free the key."""
        await self._database.fetch(RELEASE, principal, key, claim)

    async def sweep(self) -> None:
        """Delete old keys about once an hour, while the gateway runs."""
        while True:
            await asyncio.sleep(SWEEP * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                await self._database.fetch(FORGET, self._kept)
            except Unavailable:
                log.info("idempotency.not_swept")


class IdempotentRequests(ASGIMiddleware):
    """Runs after the admission, which finds the user, and around the route."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, keys: IdempotencyKeys) -> None:
        self._keys = keys

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        wanted = scope["route_handler"].opt.get(OPT)
        principal = scope.get("user")
        if not wanted or not isinstance(principal, Principal | ServicePrincipal):
            await next_app(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            key = _key(request, required=wanted == "required")
            if key is None:
                await next_app(scope, receive, send)
                return
            claim = uuid.uuid4()
            owner = principal.id if isinstance(principal, Principal) else principal.actor
            # The route can read the body again, because Litestar keeps it in the scope.
            first = await self._keys.claim(owner, key, fingerprint(request, await request.body()), claim)
        except (KsmpError, HTTPException) as error:
            await problems.answer(error, scope, receive, send)
            return
        if first is not None:
            await _replay(first, send)
            return
        await self._serve(owner, key, claim, (scope, receive, send), next_app)

    async def _serve(
        self, principal: str, key: str, claim: uuid.UUID, call: tuple[Scope, Receive, Send], next_app: ASGIApp
    ) -> None:
        scope, receive, send = call
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        try:
            await next_app(scope, receive, hold)
            answer = _answer(held)
            if answer.status >= 500 or answer.status in PASSING:
                await self._keys.release(principal, key, claim)
            else:
                await self._keys.finish(principal, key, claim, answer)
        except Unavailable:
            # The work may be done, but its answer is not stored. The lease frees the key.
            log.warning("idempotency.not_stored", user=principal)
        except BaseException:
            await asyncio.shield(self._keys.release(principal, key, claim))
            raise
        for message in held:
            await send(message)


def fingerprint(request: Request[Any, Any, Any], body: bytes) -> bytes:
    """Identifies a request by its method, path, query and body."""
    scope = request.scope
    head = f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n"
    return sha256(head + body).digest()


def _key(request: Request[Any, Any, Any], *, required: bool) -> str | None:
    key = request.headers.get(HEADER.lower())
    if key is None:
        if required:
            raise invalid(f"{HEADER} is required here", field=HEADER)
        return None
    if not KEY.fullmatch(key):
        raise invalid(f"{HEADER} must be 1 to 255 visible ASCII characters", field=HEADER)
    return key


def _answer(held: Sequence[Message]) -> StoredAnswer:
    status, headers, body = 500, [], b""
    for message in held:
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            body += message["body"]
    return StoredAnswer(status, headers, body)


async def _replay(answer: StoredAnswer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"idempotent-replayed", b"true"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
