"""Closes connections when their tokens end. Those that end at the same moment share one timer."""

from __future__ import annotations

import asyncio

from gateway import clock
from gateway.errors import CloseCode
from gateway.realtime.member import Member


class TokenExpiry:
    """A timer for each moment at which tokens end. The ends of tokens are whole seconds, so there are few."""

    def __init__(self, leeway: float) -> None:
        """`leeway` is by how many seconds the clocks of the issuer and of this node may differ."""
        self._leeway = leeway
        # By the moment, in milliseconds since the Unix epoch.
        self._members: dict[int, set[Member]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def watch(self, member: Member) -> None:
        """Close the member when its token ends. A newer token replaces the one before."""
        self.forget(member)
        at, now = member.user.expires_at, clock.now_ms()
        if at <= now:
            # The verifier tolerates small differences between clocks, so this timer must tolerate them too.
            at += int(self._leeway * 1000)
        member.expires_at = at
        ending = self._members.get(at)
        if ending is None:
            ending = self._members[at] = set()
            self._timers[at] = asyncio.get_running_loop().call_later(max(0.0, (at - now) / 1000), self._end, at)
        ending.add(member)

    def forget(self, member: Member) -> None:
        """The member has gone, or has another token."""
        ending = self._members.get(member.expires_at)
        if ending is None:
            return
        ending.discard(member)
        if not ending:
            del self._members[member.expires_at]
            self._timers.pop(member.expires_at).cancel()

    def _end(self, at: int) -> None:
        del self._timers[at]
        for member in self._members.pop(at):
            member.close(CloseCode.TOKEN_EXPIRED)
