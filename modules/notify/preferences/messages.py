"""What clients send and get of preferences."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway import clock
from gateway.contract import PushType

WallTime = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="`22:00`, by the user's clock")]
Language = Annotated[str, Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", description="A BCP 47 tag")]
Name = Annotated[str, Meta(min_length=1, max_length=64, description="A category, or the name of a kind")]
ChannelName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
Moment = Annotated[datetime, Meta(tz=True)]


class Quiet(msgspec.Struct, frozen=True):
    """Quiet hours, by the clock of the user's zone; they may go over midnight."""

    start: WallTime
    end: WallTime

    @classmethod
    def example(cls) -> Quiet:
        return cls("22:00", "07:00")


class Choice(msgspec.Struct, frozen=True):
    """Whether something comes by a channel. `chosen` is false while the default counts.

    What is `fixed` cannot be turned off: it is a receipt.
    """

    channel: str
    wanted: bool
    chosen: bool
    fixed: bool


class KindChoices(msgspec.Struct, frozen=True):
    """One kind of a category. What is chosen for it counts for more than what is chosen for the category."""

    name: str
    choices: list[Choice]


class CategoryChoices(msgspec.Struct, frozen=True):
    name: str
    choices: list[Choice]
    kinds: list[KindChoices]


class Mute(msgspec.Struct, frozen=True):
    """A room that the user hears nothing of; without `until`, until they take it back."""

    room: str
    until: datetime | None

    @classmethod
    def example(cls) -> Mute:
        return cls("direct:01a2130d-48bf-7174-b972-596a06fb2346", clock.example_day())


class Preferences(msgspec.Struct, frozen=True):
    """What a user has chosen, and what that means for each category and kind.

    `language` is null while the profile's language counts. `time_zone` is that of the profile, or the platform's.
    """

    language: str | None
    time_zone: str
    quiet: Quiet | None
    mutes: list[Mute]
    categories: list[CategoryChoices]
    rev: int

    @classmethod
    def example(cls) -> Preferences:
        choices = [Choice("push", True, False, False), Choice("email", False, True, False)]
        category = CategoryChoices("assignments", choices, [KindChoices("assignments.published", choices)])
        return cls("hi-IN", "Asia/Kolkata", Quiet.example(), [Mute.example()], [category], 3)


class NewChoice(msgspec.Struct, frozen=True):
    """`wanted` is null for the default."""

    name: Name
    channel: ChannelName
    wanted: bool | None


class PreferencesChange(msgspec.Struct, frozen=True):
    """What is left out stays; null takes the language or the quiet hours away."""

    language: Language | UnsetType | None = UNSET
    quiet: Quiet | UnsetType | None = UNSET
    choices: Annotated[list[NewChoice], Meta(max_length=200)] = []

    @classmethod
    def example(cls) -> PreferencesChange:
        return cls("hi-IN", Quiet.example(), [NewChoice("chat", "email", False)])


class NewMute(msgspec.Struct, frozen=True):
    """Without `until` the room is muted until the user takes it back."""

    until: Moment | None = None

    @classmethod
    def example(cls) -> NewMute:
        return cls(clock.example_day())


PREFERENCES: Final = PushType("notify.preferences", Preferences)
