"""The devices: what each was sent, what it shows, and what FCM answers for it.

An address that nobody named is a device that is there. A device keeps one notification of a tag, as Android, iOS and
browsers do. While it is offline FCM keeps up to 100 messages for it, then discards all of them, and four collapse keys.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Final, Literal

import msgspec

from devcloud.document import Document
from devcloud.fcm import messages

# How many messages of a device are kept as they came.
KEPT: Final = 20
# What FCM keeps for a device that is away.
MOST_STORED: Final = 100
MOST_KEYS: Final = 4

FaultName = Literal[
    "",
    "unregistered",
    "invalid_token",
    "invalid_argument",
    "sender_id_mismatch",
    "unauthenticated",
    "third_party_auth",
    "quota",
    "internal",
    "unavailable",
    "html_ok",
    "html",
    "hang",
    "cut",
]
# The device gets the message, and only the answer is lost.
ACCEPTED: Final = frozenset({"html_ok", "hang", "cut"})
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class DeviceFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What FCM answers for a device: for its next `times` messages, or for all when it is 0.

    `retry_after` is the header of that name, in seconds; without it there is none. `hang` is how long nothing is
    answered. `accepted` says whether the device gets the message all the same; by default it does when the answer is a
    page of HTML with status 200, hangs or is cut off.
    """

    fault: FaultName = ""
    times: Annotated[int, msgspec.Meta(ge=0)] = 0
    retry_after: Seconds | None = None
    hang: Seconds = 0.0
    accepted: bool | None = None

    @property
    def arrives(self) -> bool:
        return self.fault in ("", *ACCEPTED) if self.accepted is None else self.accepted


class Device(msgspec.Struct, kw_only=True):
    """One device. `shown` are the notifications on its screen by their tag; `got` counts the messages by it."""

    posted: int = 0
    got: Counter[str] = msgspec.field(default_factory=Counter)
    shown: dict[str, Document] = {}
    messages: list[Document] = []
    fault: DeviceFault = msgspec.field(default_factory=DeviceFault)
    offline: bool = False
    # What waits for it, and how often FCM discarded all of that.
    stored: list[Document] = []
    discarded: int = 0

    def post(self, message: Document) -> DeviceFault:
        """A message comes to FCM for it; what FCM answers."""
        self.posted += 1
        fault = self.fault
        if fault.times == 1:
            self.fault = DeviceFault()
        elif fault.times:
            self.fault = msgspec.structs.replace(fault, times=fault.times - 1)
        if fault.arrives:
            self._keep(message) if self.offline else self._show(message)
        return fault

    def come_back(self, away: float) -> None:
        """It is online again after so many seconds."""
        self.offline = False
        stored, self.stored = self.stored, []
        for message in stored:
            if messages.ttl_of(message) > away:
                self._show(message)

    def _show(self, message: Document) -> None:
        tag = messages.tag_of(message) or f"({self.got.total() + 1})"
        self.got[tag] += 1
        self.shown[tag] = message
        self.messages = [*self.messages[-KEPT + 1 :], message]

    def _keep(self, message: Document) -> None:
        key = messages.collapse_key_of(message)
        if key:
            self.stored = [one for one in self.stored if messages.collapse_key_of(one) != key]
        self.stored.append(message)
        keys = dict.fromkeys(messages.collapse_key_of(one) for one in self.stored)
        keys.pop("", None)
        for dropped in list(keys)[:-MOST_KEYS]:
            self.stored = [one for one in self.stored if messages.collapse_key_of(one) != dropped]
        if sum(not messages.collapse_key_of(one) for one in self.stored) > MOST_STORED:
            self.stored, self.discarded = [], self.discarded + 1


class Devices:
    """All devices by their address: a registration token, or a Firebase installation id."""

    def __init__(self) -> None:
        self._all: dict[str, Device] = {}

    def __getitem__(self, address: str) -> Device:
        return self._all.setdefault(address, Device())

    def clear(self) -> None:
        self._all.clear()

    def report(self) -> dict[str, tuple[int, int, int]]:
        """Of each address: messages posted, messages that came to the device, and notifications on its screen."""
        return {
            address: (device.posted, device.got.total(), len(device.shown)) for address, device in self._all.items()
        }
