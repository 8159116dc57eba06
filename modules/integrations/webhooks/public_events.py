"""The events that webhooks tell of, as the modules contributed them."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import msgspec

from gateway.contract import Kernel
from modules.integrations.facade import PublicEvent

# Of the module itself. A ping is sent when somebody asks for it.
PING: Final = "integrations.ping"
# The texts of users' notifications: an admin alone has them sent somewhere.
NOTIFICATION: Final = "integrations.notification"


class PublicEvents:
    """Read once all modules are built; `check` raises ValueError for a contribution that cannot work."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def check(self) -> None:
        """Called at the start: a mistake in a contribution is found there, and not by the first event."""
        for public in self._kernel.contributed(PublicEvent):
            fields = public.event.__struct_fields__
            wanted = (f"{public.subject}_id", *public.fields)
            missing = [name for name in wanted if name not in fields]
            if missing:
                raise ValueError(f"the public event {public.name} names fields that it does not have: {missing}")
        if len(self.by_name) != len(self._kernel.contributed(PublicEvent)):
            raise ValueError("an event is public twice")

    @cached_property
    def by_name(self) -> dict[str, PublicEvent]:
        return {public.name: public for public in self._kernel.contributed(PublicEvent)}

    @cached_property
    def by_event(self) -> dict[type[msgspec.Struct], PublicEvent]:
        return {public.event: public for public in self._kernel.contributed(PublicEvent)}


def subject_of(public: PublicEvent, event: msgspec.Struct) -> str:
    """`session:42`"""
    return f"{public.subject}:{getattr(event, f'{public.subject}_id')}"


def data_of(public: PublicEvent, event: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(event, name) for name in public.fields}
