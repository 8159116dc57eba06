"""What chat tells its rooms: the data of its pushes, which are also the parts of a snapshot."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import StoredPush
from gateway.principal import Author
from modules.chat.messages import Kind, Links, Mode

MESSAGE: Final = "chat.message"
EDITED: Final = "chat.edited"
DELETED: Final = "chat.deleted"
CLEARED: Final = "chat.cleared"
SETTINGS: Final = "chat.settings"
PINS: Final = "chat.pins"
REACTIONS: Final = "chat.reactions"
MENTIONED: Final = "chat.mentioned"
MUTED: Final = "chat.muted"
REPORTED: Final = "chat.reported"

# What a room's messages are in the log; an edit is the whole message in a later version.
MESSAGES: Final = (MESSAGE, EDITED)


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """`chat.message`."""

    text: str
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    kind: Kind = Kind.MESSAGE


class Edited(msgspec.Struct, frozen=True, omit_defaults=True):
    """`chat.edited`: the whole message that was sent as `seq` at `sent_at`, as it reads now; both in milliseconds."""

    seq: int
    text: str
    sent_at: int
    edited_at: int
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    kind: Kind = Kind.MESSAGE


class Deleted(msgspec.Struct, frozen=True):
    """`chat.deleted`: the seq of the message that is gone."""

    seq: int


class Cleared(msgspec.Struct, frozen=True, omit_defaults=True):
    """`chat.cleared`: every message that came before this push is gone, or every one of this user."""

    user: str | None = None


class Settings(msgspec.Struct, frozen=True):
    """`chat.settings`: how the chat of a session is run; `rev` is 0 as long as nobody changed anything."""

    mode: Mode = Mode.OPEN
    slow_seconds: int = 0
    links: Links = Links.ALLOW
    rev: int = 0


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


class Pinned(msgspec.Struct, frozen=True):
    """A message that a host pinned; `at` in milliseconds."""

    by: str
    at: int
    message: Post


class PinnedMessages(msgspec.Struct, frozen=True):
    """`chat.pins`: what is pinned in the room, the oldest pin first."""

    pins: tuple[Pinned, ...]
    rev: int


class Tally(msgspec.Struct, frozen=True):
    """The reactions to one message, counted."""

    seq: int
    counts: dict[str, int]
    rev: int


class ReactionTallies(msgspec.Struct, frozen=True):
    """`chat.reactions`: how many reactions these messages have now."""

    messages: tuple[Tally, ...]


class Mention(msgspec.Struct, frozen=True, rename={"author": "from"}):
    """`chat.mentioned`, in the room of the user: who mentioned them, where. It does not change."""

    room: str
    seq: int
    author: Author
    text: str
    rev: int = 1


class MuteState(msgspec.Struct, frozen=True):
    """`chat.muted`, in the staff room: whether a user is muted, by whom and why; without `until` it has no end."""

    user: str
    muted: bool
    until: datetime | None
    reason: str
    by: str
    at: datetime
    rev: int


def post(stored: StoredPush) -> Post:
    """A message of the log, in whichever version."""
    if stored.push == EDITED:
        edited = msgspec.json.decode(stored.data, type=Edited)
        return Post(
            seq=edited.seq,
            at=edited.sent_at,
            author=stored.author,
            text=edited.text,
            reply_to=edited.reply_to,
            mentions=edited.mentions,
            kind=edited.kind,
            edited_at=edited.edited_at,
        )
    message = msgspec.json.decode(stored.data, type=Message)
    return Post(stored.seq, stored.at, stored.author, message.text, message.reply_to, message.mentions, message.kind)
