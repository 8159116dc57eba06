"""EventNames: which names of events are registers, and which show that somebody was learning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from gateway.contract import Kernel
from modules.analytics.facade import ClientEventType, FactType


class EventNames:
    """The names that the modules of this gateway contributed. Raises ValueError when a client event has a fact's name.

    After a release that changes `registers` or `activity`, a rebuild applies the change to what was stored before.
    """

    def __init__(self, facts: Iterable[FactType], client_events: Iterable[ClientEventType] = ()) -> None:
        facts = tuple(facts)
        self.facts = frozenset(name for one in facts for name in one.names)
        self.registers = frozenset(name for one in facts for name in one.registers)
        self.activity = frozenset(name for one in facts for name in one.activity)
        self.client_events = frozenset(one.name for one in client_events)
        if taken := sorted(self.facts & self.client_events):
            raise ValueError(f"{', '.join(taken)}: names of facts, and no client may send them")
        if stray := sorted((self.registers | self.activity) - self.facts):
            raise ValueError(f"{', '.join(stray)}: not among the `names` of a FactType")

    @classmethod
    def of(cls, kernel: Kernel) -> Self:
        """Those of a running gateway; to be called once all modules are built."""
        return cls(kernel.contributed(FactType), kernel.contributed(ClientEventType))
