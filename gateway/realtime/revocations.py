"""Revoked tokens and banned users, who are kept out of the platform although their token is valid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from gateway import clock
from gateway.db.cluster_state import Fact
from gateway.errors import Banned, CloseCode, Revoked
from gateway.principal import Principal
from gateway.protocol.names import user_id
from gateway.realtime.cluster_state import LIFTED, ClusterState, moment
from gateway.realtime.hub import Hub


class UserRevoked(msgspec.Struct, frozen=True, tag="user"):
    """Revokes the user's tokens issued up to `before`, in milliseconds since the Unix epoch."""

    user: str
    before: int


class TokenRevoked(msgspec.Struct, frozen=True, tag="token"):
    """Revokes one token, or all tokens of one sign-in."""

    token: str


class UserBanned(msgspec.Struct, frozen=True, tag="ban"):
    user: str


Revocation = UserRevoked | TokenRevoked | UserBanned
_decode: Final = msgspec.json.Decoder(Revocation).decode


class Revocations:
    """Implements `gateway.contract.Access`, and `gateway.realtime.cluster_state.StateTopic`."""

    kind = "access"

    def __init__(self, state: ClusterState, hub: Hub, *, token_life: float, leeway: float) -> None:
        """`token_life` is the most seconds that a token lives, by clocks that differ by `leeway` seconds."""
        self._state = state
        self._hub = hub
        # The last token that exists now may be from an issuer whose clock is ahead, may live longer by the leeway, and
        # is accepted that much after its end. A revocation must not end before it.
        self._leeway = int(leeway * 1000)
        self._kept = int(token_life * 1000) + 3 * self._leeway
        self._before: dict[str, int] = {}
        self._tokens: set[str] = set()
        self._banned: set[str] = set()
        state.add(self)

    async def revoke(self, user: str, *, before: datetime | None = None) -> None:
        at = moment(before) or clock.now_ms()
        # Each revocation of a user has a key of its own, so a later one cannot weaken an earlier one.
        key = f"user {user_id(user)} {at}"
        await self._state.declare(self.kind, key, UserRevoked(user, at), at + self._kept)

    async def revoke_token(self, principal: Principal) -> None:
        if not principal.token:
            raise ValueError("this principal came from no token")
        # The setting may have been more when this token was accepted.
        until = max(clock.now_ms() + self._kept, principal.expires_at + self._leeway)
        await self._state.declare(self.kind, f"token {principal.token}", TokenRevoked(principal.token), until)

    async def ban(self, user: str, *, until: datetime | None = None) -> None:
        await self._state.declare(self.kind, f"ban {user_id(user)}", UserBanned(user), moment(until))

    async def unban(self, user: str) -> None:
        await self._state.declare(self.kind, f"ban {user_id(user)}", UserBanned(user), LIFTED)

    def require_not_revoked(self, principal: Principal) -> None:
        """Raises Banned or Revoked for a user who is kept out."""
        if principal.id in self._banned:
            raise Banned("you are banned from the platform")
        if self._is_revoked(principal):
            raise Revoked("the token was revoked: sign in again")

    def learn(self, fact: Fact, *, holds: bool) -> None:
        if not holds:
            self.end(fact)
            return
        match _decode(fact.data):
            case UserRevoked(user, before):
                self._before[user] = max(before, self._before.get(user, 0))
                self._close(CloseCode.REVOKED, lambda principal: principal.id == user and self._is_revoked(principal))
            case TokenRevoked(token):
                self._tokens.add(token)
                self._close(CloseCode.REVOKED, lambda principal: principal.token == token)
            case UserBanned(user):
                self._banned.add(user)
                self._close(CloseCode.BANNED, lambda principal: principal.id == user)

    def end(self, fact: Fact) -> None:
        match _decode(fact.data):
            case UserRevoked(user, before):
                if self._before.get(user) == before:
                    del self._before[user]
            case TokenRevoked(token):
                self._tokens.discard(token)
            case UserBanned(user):
                self._banned.discard(user)

    def _is_revoked(self, principal: Principal) -> bool:
        # Issue times are whole seconds, so a token of the same second may be older than the revocation.
        return principal.issued_at <= self._before.get(principal.id, -1) or principal.token in self._tokens

    def _close(self, code: CloseCode, meant: Callable[[Principal], bool]) -> None:
        """Close the sockets and streams of the users who are meant, also those that are signing in."""
        for member in list(self._hub.members.values()):
            if member.principal is not None and meant(member.principal):
                member.close(code)
