"""What chat pushes to rooms. Parts of a snapshot carry the same structs, or are declared beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import PushType
from gateway.principal import Author
from modules.chat.messages import Attachments, Kind, Links, Mode
from modules.chat.states import ReportStatus
from modules.files.facade import Shown

MADE: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """`chat.message`: a message as it was sent. `thread` is the seq of its root, for a reply in a thread."""

    text: str
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    kind: Kind = Kind.MESSAGE
    files: tuple[Shown, ...] = ()
    thread: int | None = None


MESSAGE: Final = PushType("chat.message", Message, is_message=True)


class Edited(msgspec.Struct, frozen=True, omit_defaults=True):
    """`chat.edited`: the whole message that was sent as `seq` at `sent_at`, as it reads now; both in milliseconds."""

    seq: int
    text: str
    sent_at: int
    edited_at: int
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    kind: Kind = Kind.MESSAGE
    files: tuple[Shown, ...] = ()
    thread: int | None = None


# It has taken the place of the message, which it counts for.
EDITED: Final = PushType("chat.edited", Edited, is_message=True)


class Deleted(msgspec.Struct, frozen=True):
    """`chat.deleted`: the seq of the message that is gone."""

    seq: int


DELETED: Final = PushType("chat.deleted", Deleted)


class Cleared(msgspec.Struct, frozen=True, omit_defaults=True):
    """`chat.cleared`: every message that came before this push is gone, or every one of this user."""

    user: str | None = None


CLEARED: Final = PushType("chat.cleared", Cleared)


class AttachedFile(msgspec.Struct, frozen=True):
    """`chat.file`: a file of a message as it is now, since it was checked, refused, or has a thumbnail."""

    file: Shown
    rev: int


FILE: Final = PushType("chat.file", AttachedFile)


class ChatRules(msgspec.Struct, frozen=True):
    """`chat.settings`, also a part of the snapshot: how the chat of a room is run.

    `rev` is 0 as long as nobody has changed anything.
    """

    mode: Mode = Mode.OPEN
    slow_seconds: int = 0
    links: Links = Links.ALLOW
    rev: int = 0
    attachments: Attachments = Attachments.ALLOW


SETTINGS: Final = PushType("chat.settings", ChatRules)


class Post(msgspec.Struct, frozen=True, omit_defaults=True, rename={"author": "from"}):
    """A message as a snapshot shows it, edited or not."""

    seq: int
    at: int
    author: Author | None
    text: str
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    kind: Kind = Kind.MESSAGE
    edited_at: int | None = None
    files: tuple[Shown, ...] = ()
    thread: int | None = None


class Pinned(msgspec.Struct, frozen=True):
    """A message that a host pinned; `at` in milliseconds."""

    by: str
    at: int
    message: Post


class PinnedMessages(msgspec.Struct, frozen=True):
    """`chat.pins`, also a part of the snapshot: what is pinned in the room, the oldest pin first."""

    pins: tuple[Pinned, ...]
    rev: int


PINS: Final = PushType("chat.pins", PinnedMessages)


class ReactionTally(msgspec.Struct, frozen=True):
    """The reactions to one message, counted."""

    seq: int
    counts: dict[str, int]
    rev: int


class ReactionTallies(msgspec.Struct, frozen=True):
    """`chat.reactions`: how many reactions these messages have now."""

    messages: tuple[ReactionTally, ...]


REACTIONS: Final = PushType("chat.reactions", ReactionTallies)


class Recent(msgspec.Struct, frozen=True):
    """A part of the snapshot: the newest messages by seq, their reactions, and which of those are the reader's own."""

    messages: tuple[Post, ...]
    reactions: tuple[ReactionTally, ...]
    mine: dict[int, list[str]]


class Mention(msgspec.Struct, frozen=True, rename={"author": "from"}):
    """`chat.mentioned`, in the room of the user: who mentioned them, and where. It does not change."""

    room: str
    seq: int
    author: Author
    text: str
    rev: int = 1


MENTIONED: Final = PushType("chat.mentioned", Mention)


class MuteState(msgspec.Struct, frozen=True):
    """`chat.muted`, to those who moderate: whether a user is muted, by whom and why; without `until` it has no end."""

    user: str
    muted: bool
    until: datetime | None
    reason: str
    by: str
    at: datetime
    rev: int
    room: str


MUTED: Final = PushType("chat.muted", MuteState)


class MuteList(msgspec.Struct, frozen=True):
    """A part of the staff room's snapshot: the mutes in force, the oldest first."""

    mutes: tuple[MuteState, ...]

    @classmethod
    def example(cls) -> MuteList:
        return cls((MuteState("u8", True, None, "rude", "meera", MADE, 1, "program:algebra"),))


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """`chat.reported`, to those who decide: a reported message as it was, and what was decided.

    `session_id` is null for a message of a room that is not a session's.
    """

    id: UUID
    room: str
    session_id: str | None = None
    seq: int
    author_id: str
    text: str
    reason: str
    reporter_id: str
    status: ReportStatus
    note: str
    resolved_by: str | None
    resolved_at: datetime | None
    created_at: datetime
    rev: int
    # The message's files, which are kept for those who decide until they have.
    files: tuple[Shown, ...] = ()

    @classmethod
    def example(cls) -> ReportView:
        id = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
        return cls(
            id=id,
            room="session:algebra-1",
            session_id="algebra-1",
            seq=991,
            author_id="u8",
            text="…",
            reason="rude",
            reporter_id="u7",
            status=ReportStatus.OPEN,
            note="",
            resolved_by=None,
            resolved_at=None,
            created_at=MADE,
            rev=1,
        )


REPORTED: Final = PushType("chat.reported", ReportView)


class OpenReports(msgspec.Struct, frozen=True):
    """A part of the staff room's snapshot: the reports that nobody has decided, the oldest first."""

    reports: tuple[ReportView, ...]
