"""Faults that a test switches on: operations fail or hang, and events are lost, late, repeated or out of order."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class OperationFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault of the next `times` calls of an operation, or of every call when it is 0.

    With `seconds` it ends so long after it was switched on. Each call has it with the given `probability`. `hang`
    seconds pass first. Then comes `error`, the name of a modelled error or of one that any service may answer; for
    Razorpay and S3 one of those that CONTROL.md lists. With `when: "after"` the operation is done before that: its
    answer is what gets lost.
    """

    error: str = ""
    message: str = ""
    hang: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    times: Annotated[int, msgspec.Meta(ge=0)] = 0
    seconds: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    probability: Share = 1.0
    when: Literal["before", "after"] = "before"


class EventFaults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How likely each thing is to happen to an event.

    A late one comes after up to `delay_seconds`. One that is out of order waits until the one behind it was sent, or
    for `hold_seconds` when nothing comes. The same `seed` and the same events give the same faults.
    """

    lose: Share = 0.0
    delay: Share = 0.0
    delay_seconds: Annotated[float, msgspec.Meta(ge=0.0)] = 2.0
    repeat: Share = 0.0
    reorder: Share = 0.0
    hold_seconds: Annotated[float, msgspec.Meta(ge=0.0)] = 1.0
    seed: int = 0


class WebhookFaults(EventFaults, kw_only=True, forbid_unknown_fields=True):
    """The same for the webhooks of Razorpay, in its virtual time.

    `events` names those that it happens to, when not to all. A late one comes after exactly `delay_seconds`, or after
    up to so many with `delay_varies`.
    """

    events: list[str] = []
    delay_varies: bool = False


class Faults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All that is switched on.

    Operations are named `ivs.GetStream`, `ivs-realtime.*`, `sqs.ReceiveMessage`, `s3.UploadPart`, `s3.PUT`,
    `razorpay.CreateOrder` or `*`; the first that fits counts. `seed` is that of their probabilities. `strict_quotas`
    holds every operation to its documented rate; `quotas` says how many there may be of a kind.
    """

    events: EventFaults = msgspec.field(default_factory=EventFaults)
    webhooks: WebhookFaults = msgspec.field(default_factory=WebhookFaults)
    seed: int = 0
    operations: dict[str, OperationFault] = msgspec.field(default_factory=dict)
    strict_quotas: bool = False
    quotas: dict[str, int] = msgspec.field(default_factory=dict)


class FaultSwitch:
    """The faults that are on now, and how often each operation was called."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.set(Faults())

    def set(self, faults: Faults) -> None:
        """Replace all of them, and begin the rows of random numbers again."""
        self.faults = faults
        self._set_at = time.monotonic()
        # Repeatable on purpose.
        self.random = random.Random(faults.events.seed)  # noqa: S311
        self.webhook_random = random.Random(faults.webhooks.seed)  # noqa: S311
        self._operation_random = random.Random(faults.seed)  # noqa: S311

    async def hit(self, *names: str, when: Literal["before", "after"]) -> OperationFault | None:
        """The fault that makes a call of the operation with these names fail now, after its time to hang; or None."""
        if when == "before":
            self.calls[names[0]] += 1
        service, _, _ = names[0].partition(".")
        for name in (*names, f"{service}.*", "*"):
            fault = self.faults.operations.get(name)
            if fault is None or fault.when != when:
                continue
            if fault.seconds and time.monotonic() > self._set_at + fault.seconds:
                continue
            if fault.probability < 1.0 and self._operation_random.random() >= fault.probability:
                continue
            if fault.times == 1:
                del self.faults.operations[name]
            elif fault.times:
                fault.times -= 1
            if fault.hang:
                await asyncio.sleep(fault.hang)
            return fault if fault.error else None
        return None
