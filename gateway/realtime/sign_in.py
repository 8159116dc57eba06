"""The `connect` and `refresh` of a connection: verify its token, identify its user, resume its rooms."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from gateway import clock
from gateway.bus.connection import NatsBus
from gateway.contract.filters import Filters
from gateway.contract.module import Module
from gateway.contract.room_kind import RoomKind
from gateway.errors import CloseCode, Code, KsmpError, Refused, Unavailable
from gateway.principal import Author, Principal
from gateway.protocol.connection import error_body
from gateway.protocol.messages import (
    ConnectResult,
    JoinResult,
    Position,
    RefreshResult,
    RoomDeferred,
    RoomFailed,
    User,
)
from gateway.protocol.names import room_name
from gateway.realtime.expiry import TokenExpiry
from gateway.realtime.identity_cache import IdentityCache
from gateway.realtime.joining import Deferred, Joiner
from gateway.realtime.member import Member
from gateway.realtime.revocations import Revocations
from gateway.realtime.users import Users
from gateway.settings import Settings

log = structlog.get_logger(__name__)


class Verifier(Protocol):
    async def verify(self, token: str) -> Principal:
        """The user that the token was issued to; raises Refused, or Unavailable when the issuer's keys are away."""


class SignIn:
    """Signs users in. The modules add what the platform knows of a user, in their order."""

    def __init__(
        self,
        bus: NatsBus,
        verifier: Verifier,
        modules: Sequence[Module],
        kinds: Mapping[str, RoomKind],
        joiner: Joiner,
        users: Users,
        revocations: Revocations,
        filters: Filters,
        settings: Settings,
    ) -> None:
        self._bus = bus
        self._verifier = verifier
        self._modules = modules
        self._kinds = kinds
        self._joiner = joiner
        self._users = users
        self._revocations = revocations
        self._filters = filters
        self._settings = settings
        self._expiry = TokenExpiry(settings.token_leeway)
        # Whoever joins over REST connects a moment later. REST uses it too.
        self.known = IdentityCache(
            verifier.verify, self.verified, revocations.require_not_revoked, settings.identity_fresh
        )
        # Members who were signed in from the token alone, because the modules could not answer.
        self._unidentified: set[Member] = set()

    async def connect(self, member: Member, token: str, wanted: Mapping[str, Position | None]) -> ConnectResult:
        """Sign in and resume the client's rooms. The caller holds pushes back and releases them after the reply.

        Raises Refused, BadInput or Unavailable; the connection may then try again.
        """
        principal = await self.known.principal(token)
        if not self._bus.up:
            raise Unavailable("rooms are away for the moment")
        self._know(member, principal)
        member.opened_at = time.time_ns()
        rooms = await self._resume(member, wanted)
        if not member.open:
            self._joiner.leave_all(member)
            raise Refused(Code.UNAUTHENTICATED, "the connection is closed")
        self._expiry.watch(member)
        self._users.add(member)
        return ConnectResult(
            connection=member.id,
            user=User(principal.id, principal.name, principal.role.value),
            server_time=clock.now_ms(),
            expires_at=principal.expires_at,
            limits=self._limits(),
            rooms=rooms,
        )

    async def refresh(self, member: Member, token: str) -> RefreshResult:
        """Continue with a newer token of the same user, under the same name; a failure changes nothing."""
        principal = await self.verified(token)
        if principal.id != member.user.id:
            raise Refused(Code.FORBIDDEN, "the token is of another user")
        if principal.identified and principal.role is not member.user.role:
            # The rooms were joined in the other role. After the reply the client connects with the token that it has
            # just shown, and joins them anew.
            asyncio.get_running_loop().call_soon(member.close, CloseCode.TOKEN_EXPIRED)
        # Its rooms let the user in under the name of the connect. A new name is seen from the next connection on.
        self._know(member, msgspec.structs.replace(principal, name=member.user.name))
        self._expiry.watch(member)
        return RefreshResult(principal.expires_at)

    def gone(self, member: Member) -> None:
        """The connection has ended: take it out of its rooms."""
        self._expiry.forget(member)
        self._unidentified.discard(member)
        self._joiner.leave_all(member)
        if member.principal is not None:
            self._users.remove(member)

    async def verified(self, token: str) -> Principal:
        """The user of a token, as the platform knows them; raises Refused or Unavailable."""
        principal = await self._identified(await self._verifier.verify(token))
        # This check comes last. Nothing waits until the connection has its principal, so no revocation can be missed.
        self._revocations.require_not_revoked(principal)
        return principal

    async def identify_again(self) -> None:
        """Identify the members who were signed in from the token alone. A member whose role is another one is closed.

        It is called when the modules can answer again. Members who still cannot be identified stay as they are.
        """
        for member in list(self._unidentified):
            if not member.open:
                self._unidentified.discard(member)
                continue
            claimed = member.user
            try:
                known = await self._identified(msgspec.structs.replace(claimed, identified=True))
            except Refused as error:
                member.close(error.close_code)
                continue
            if known.identified and member.principal is claimed:
                if known.role is not claimed.role:
                    member.close(CloseCode.REVOKED)
                self._know(member, msgspec.structs.replace(claimed, identified=True))

    async def _identified(self, principal: Principal) -> Principal:
        # Before the modules are asked: while they cannot answer, the user is seen under this name.
        name = await self._filters.name(Author.of(principal))
        if name != principal.name:
            principal = msgspec.structs.replace(principal, name=name)
        for module in self._modules:
            try:
                principal = await module.identify(principal)
            except Unavailable:
                log.info("sign_in.claims_only", user=principal.id)
                principal = msgspec.structs.replace(principal, identified=False)
        return principal

    def _know(self, member: Member, principal: Principal) -> None:
        member.principal = principal
        if principal.identified:
            self._unidentified.discard(member)
        else:
            self._unidentified.add(member)

    async def _resume(
        self, member: Member, wanted: Mapping[str, Position | None]
    ) -> dict[str, JoinResult | RoomFailed | RoomDeferred]:
        names = dict.fromkeys(await self._joined_on_connect(member.user))
        names.update(dict.fromkeys(wanted))
        left = self._settings.connect_recovery_bytes
        results: dict[str, JoinResult | RoomFailed | RoomDeferred] = {}
        for text in names:
            try:
                joined, used = await self._joiner.join(member, room_name(text), wanted.get(text), budget=left)
                results[text] = joined
                left -= used
            except Deferred:
                results[text] = RoomDeferred()
            except KsmpError as error:
                results[text] = RoomFailed(error_body(error))
        return results

    async def _joined_on_connect(self, principal: Principal) -> list[str]:
        names: list[str] = []
        for kind in self._kinds.values():
            try:
                names += [f"{kind.name}:{id}" for id in await kind.joined_on_connect(principal)]
            except Unavailable:
                log.info("sign_in.rooms_unknown", kind=kind.name)
        return names

    def _limits(self) -> dict[str, int | float]:
        settings = self._settings
        return {
            "message_bytes": settings.message_bytes,
            "rooms": settings.rooms_per_connection,
            "command_rate": settings.command_rate,
            "command_burst": settings.command_burst,
            "history": settings.history_limit,
            "ping_interval": settings.ping_interval,
        }
