"""Facts: what a decision goes by, for a whole batch of one channel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from modules.notify.preferences.choices import Chosen
from modules.notify.preferences.readers import Reader


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the platform says of a channel."""

    # Whether it reaches people where they are: quiet hours, caps, digests and presence are for these alone.
    held: bool = True
    # Most deliveries to a user in an hour and in a day.
    hour_cap: int = 30
    day_cap: int = 120
    # The hour at which digests of days come.
    digest_hour: int = 18
    # When a module is asked again that could not say whether its notice is still wanted.
    ask_again: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """How often a user was told by this channel lately."""

    hour: int = 0
    day: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """A delivery that is told in a digest: of the window that ends then, and when it was made, of which."""

    window_end: datetime
    digest_id: str | None = None
    # Whether it carries the others of its digest.
    carries: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    readers: Mapping[str, Reader]
    # By user and name of a category or kind.
    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    # A user and a room.
    muted: Collection[tuple[str, str]] = frozenset()
    present: Collection[tuple[str, str]] = frozenset()
    told: Mapping[str, Told] = field(default_factory=dict)
    # By the id of the delivery.
    collected: Mapping[str, Collected] = field(default_factory=dict)
    # Deliveries whose module says that the user need not hear of it any more, and those whose module could not say.
    not_wanted: Collection[str] = frozenset()
    unanswered: Collection[str] = frozenset()
