"""What a lesson consists of: its items, as the routes take and answer them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.text import LINE, LONG, TEXT, Texts
from modules.files.facade import FileState, Shown
from modules.programs.facade import LessonSession, SessionRecording

# Its greatest length is a setting.
LessonText = Annotated[str, LONG, TEXT]
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
ItemTitle = Annotated[str, Meta(max_length=200), LINE]
# No spaces, quotes or angle brackets, and no name or password before the host: it is put into pages.
LinkUrl = Annotated[str, Meta(pattern=r"^https://[A-Za-z0-9.:\[\]-]+([/?#][!#-&(-;=?-\[\]_a-z~]*)?$", max_length=2000)]

ITEM: Final = "01a2130d-48bf-7174-b972-596a06fb2349"
FILE: Final = "01a2130d-48bf-7174-b972-596a06fb2350"
SESSION: Final = "01a2130d-48bf-7174-b972-596a06fb2351"


class ItemKind(StrEnum):
    """What an item is."""

    TEXT = "text"
    LINK = "link"
    FILE = "file"
    RECORDING = "recording"


class LessonItem(msgspec.Struct, frozen=True):
    """An item of a lesson, with what belongs to its kind: `text`, `url`, `file` or `session`; the others are null.

    `file` and `session` are null too when the file or the session is gone. The recordings of a session are in it.
    """

    id: str
    kind: ItemKind
    title: str
    rev: int
    text: str | None = None
    url: str | None = None
    file: Shown | None = None
    session: LessonSession | None = None

    @classmethod
    def example(cls) -> LessonItem:
        shown = Shown(FILE, "numbers.pdf", "application/pdf", 48_213, FileState.CLEAN)
        return cls(ITEM, ItemKind.FILE, "Slides", 9, file=shown)


class NewItem(Texts, frozen=True):
    """An item with what belongs to its kind, and nothing of another one."""

    kind: ItemKind
    title: ItemTitle | UnsetType = UNSET
    text: LessonText | UnsetType = UNSET
    url: LinkUrl | UnsetType = UNSET
    file_id: Id | UnsetType = UNSET
    session_id: Id | UnsetType = UNSET

    @classmethod
    def example(cls) -> NewItem:
        return cls(ItemKind.LINK, "A film about it", url="https://videos.example.org/numbers")


class ItemChange(Texts, frozen=True):
    """What is left out stays, and null takes the title away. An item stays of its kind."""

    title: ItemTitle | UnsetType | None = UNSET
    text: LessonText | UnsetType = UNSET
    url: LinkUrl | UnsetType = UNSET
    file_id: Id | UnsetType = UNSET
    session_id: Id | UnsetType = UNSET

    @classmethod
    def example(cls) -> ItemChange:
        return cls("Slides of the class")


class ItemOrder(msgspec.Struct, frozen=True):
    """The ids of all items of the lesson, each once, in the new order."""

    items: list[Id]

    @classmethod
    def example(cls) -> ItemOrder:
        return cls([ITEM])


# Which field of a request belongs to a kind.
CONTENT: Final = {
    ItemKind.TEXT: "text",
    ItemKind.LINK: "url",
    ItemKind.FILE: "file_id",
    ItemKind.RECORDING: "session_id",
}

AT: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
A_SESSION: Final = LessonSession(SESSION, "What is x?", "ended", AT, AT, (SessionRecording("Xw3…", 3_540_000, AT),))
