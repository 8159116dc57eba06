"""What other modules may ask of integrations: they mark events of theirs as public, by a contribution.

    contributions = (PublicEvent(SessionStarted, "session", ("session_id", "program_id", "at")),)

Webhooks carry the fields that are named, and no others. They are ids, times and words of state: an integrator reads all
else by the API, with the rights that they have there. Where integrations are off, a contribution does nothing, so a
module that marks events requires nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.contract import event_name

WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class PublicEvent:
    """An event that webhooks tell of.

    `subject` says what it is about: `session` stands for the event's field `session_id`. An endpoint gets the events of
    one subject in the order in which they happened.
    """

    event: type[msgspec.Struct]
    subject: str
    fields: Sequence[str]

    @property
    def name(self) -> str:
        """`live.session_started` for the event `live.SessionStarted`."""
        module, _, fact = event_name(self.event).partition(".")
        return f"{module}.{WORD.sub('_', fact).lower()}"
