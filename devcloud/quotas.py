"""The documented limits: how often an operation may be called, and how many there may be of a thing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from devcloud.document import Document
from devcloud.errors import Refused


@dataclass(frozen=True)
class Rate:
    """So many calls in a second for each value of the member `by`, or in all when it is empty."""

    calls: int
    by: str = ""


# https://docs.aws.amazon.com/ivs/latest/LowLatencyUserGuide/service-quotas.html. The calls that change what viewers see
# are always held to it. The others have 3 to 10 a second an account, which `strict` adds: a test suite would trip.
RATES: Mapping[str, Sequence[Rate]] = {"ivs.PutMetadata": (Rate(5, by="channelArn"), Rate(155))}
STRICT: Mapping[str, int] = {
    "ivs.PlaybackKeyPair": 3,
    "ivs.RecordingConfiguration": 3,
    "ivs.BatchStartViewerSessionRevocation": 2,
    "ivs.StartViewerSessionRevocation": 10,
    "ivs-realtime.CreateParticipantToken": 50,
    "ivs-realtime.PublicKey": 3,
    "ivschat.CreateChatToken": 200,
    "ivschat.SendEvent": 100,
    "ivschat.DeleteMessage": 100,
    "ivschat.DisconnectUser": 100,
}
STRICT_DEFAULT = 5
STRICT_TAGS = 10

# How many of a thing an account may have, or a channel its stream keys.
MOST: Mapping[str, int] = {
    "channel": 20_000,
    "stream-key": 1,
    "playback-key": 3,
    "playback-restriction-policy": 20,
    "recording-configuration": 20,
    "public-key": 3,
    "stage": 20_000,
    "encoder-configuration": 20,
    "storage-configuration": 100,
    "room": 50_000,
}

METADATA_BYTES = 1024
PARTICIPANT_TOKEN_ATTRIBUTE_BYTES = 1024


@dataclass
class Quotas:
    """Counts calls over the last second. `most` may be lowered, for who wants to see a quota exceeded."""

    strict: bool = False
    most: dict[str, int] = field(default_factory=lambda: dict(MOST))
    clock: Callable[[], float] = time.monotonic
    _calls: dict[tuple[str, str], deque[float]] = field(default_factory=dict)

    def call(self, key: str, document: Document) -> None:
        """Count one call. Raises Refused (ThrottlingException) for the one that is too many."""
        rates = list(RATES.get(key, ()))
        if self.strict and not rates:
            rates.append(Rate(_strict(key)))
        for rate in rates:
            self._count(key, rate, str(document.get(rate.by, "")) if rate.by else "")

    def allow(self, kind: str, present: int) -> None:
        """Raises Refused (ServiceQuotaExceededException) when there may be no more of a kind."""
        if present >= self.most[kind]:
            raise Refused("ServiceQuotaExceededException", f"Quota of {self.most[kind]} exceeded for {kind}.")

    def _count(self, key: str, rate: Rate, value: str) -> None:
        now = self.clock()
        calls = self._calls.setdefault((key, value), deque())
        while calls and calls[0] <= now - 1.0:
            calls.popleft()
        if len(calls) >= rate.calls:
            raise Refused("ThrottlingException", "Rate exceeded")
        calls.append(now)


def _strict(key: str) -> int:
    service, _, name = key.partition(".")
    if name in ("TagResource", "UntagResource", "ListTagsForResource"):
        return STRICT_TAGS
    for part, calls in STRICT.items():
        known, _, noun = part.partition(".")
        if known == service and noun in name:
            return calls
    return STRICT_DEFAULT
