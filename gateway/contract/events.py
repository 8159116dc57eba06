"""Events: facts that other modules may listen to."""

from __future__ import annotations

from typing import Protocol

import msgspec


def event_name(event: type[msgspec.Struct]) -> str:
    """The name of an event on the wire, `<module>.<WhatHappened>`: its tag, empty when it has none."""
    tag = event.__struct_config__.tag
    return tag if isinstance(tag, str) else ""


class Events(Protocol):
    """Facts that other modules may listen to."""

    async def publish(self, event: msgspec.Struct) -> None:
        """Publish one of the module's `emits` when the transaction around this call commits, and only then.

        Raises RuntimeError outside of a transaction (`kernel.database.transaction()`), ValueError for an event the
        module does not emit or that is too large, and Unavailable.
        """
