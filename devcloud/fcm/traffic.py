"""What came to the stand-in altogether: how often it was asked for tokens, and how many messages were open at once."""

from __future__ import annotations

import msgspec

from devcloud.fcm.devices import DeviceFault


class Traffic(msgspec.Struct, kw_only=True):
    """Counted since the last `DELETE state`. `fault` is of every message, `token_fault` of the token endpoint.

    One without a name takes its time to hang, and then all is as usual.
    """

    messages: int = 0
    tokens: int = 0
    open_now: int = 0
    open_most: int = 0
    statuses: dict[str, int] = {}
    fault: DeviceFault = msgspec.field(default_factory=DeviceFault)
    token_fault: DeviceFault = msgspec.field(default_factory=DeviceFault)
    # How often it was forgotten: messages that are open since before are not of this state.
    life: int = 0

    def opened(self) -> int:
        """One more message is open; gives the life that it belongs to, for `closed`."""
        self.messages += 1
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        return self.life

    def closed(self, life: int) -> None:
        if life == self.life:
            self.open_now -= 1

    def clear(self) -> None:
        self.messages = self.tokens = self.open_now = self.open_most = 0
        self.life += 1
        self.statuses = {}
        self.fault, self.token_fault = DeviceFault(), DeviceFault()
