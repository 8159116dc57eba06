"""The data of chat's commands and of its REST body, and what commands are answered."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.protocol.messages import Seq
from gateway.protocol.names import MAX_ID
from gateway.text import LONG, TEXT, Texts

# Its greatest length is a setting.
Said = Annotated[str, LONG, TEXT]
UserId = Annotated[str, Meta(max_length=64)]
Reason = Annotated[str, Meta(max_length=500), TEXT]
# The most is a setting.
FileIds = Annotated[tuple[Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")], ...], Meta(max_length=100)]


class Kind(StrEnum):
    """What a message is; a question asks the mentors something."""

    MESSAGE = "message"
    QUESTION = "question"


class Mode(StrEnum):
    """What viewers may write: anything; anything, if they are enrolled; only questions."""

    OPEN = "open"
    SUBSCRIBERS = "subscribers"
    QUESTIONS = "questions"


class Links(StrEnum):
    """Who may post links: everyone, hosts alone, or nobody."""

    ALLOW = "allow"
    HOSTS = "hosts"
    BLOCK = "block"


class Attachments(StrEnum):
    """Who may post files: everyone, hosts alone, or nobody."""

    ALLOW = "allow"
    HOSTS = "hosts"
    BLOCK = "block"


class Send(Texts, frozen=True):
    """`chat.send`: `reply_to` is the seq under which a message of the room was first sent, `mentions` are user ids.

    `thread` is the seq of the message whose thread it belongs to, in rooms that have threads.
    `files` are ids of uploads for `chat.attachment`, in the order in which they are shown; with them the text may be
    empty.
    """

    text: Said = ""
    reply_to: Annotated[int, Meta(ge=1, le=MAX_ID)] | None = None
    mentions: Annotated[tuple[UserId, ...], Meta(max_length=100)] = ()
    kind: Kind = Kind.MESSAGE
    files: FileIds = ()
    thread: Annotated[int, Meta(ge=1, le=MAX_ID)] | None = None


class Edit(Texts, frozen=True):
    """`chat.edit`: the seq of the message as it was first sent, and its new text.

    Files that are left out stay; `files` says all that the message has from now on.
    """

    seq: Seq
    text: Said = ""
    files: FileIds | UnsetType = UNSET


class Named(msgspec.Struct, frozen=True):
    """`chat.delete`, `chat.pin` and `chat.unpin`: the seq of the message as it was first sent."""

    seq: Seq


class Nothing(msgspec.Struct, frozen=True):
    """The data of `chat.snapshot`: none."""


class Clear(msgspec.Struct, frozen=True):
    """`chat.clear`: all messages so far, or those of one user."""

    user: UserId | None = None


class React(msgspec.Struct, frozen=True):
    """`chat.react`: give a message an emoji, or take it back."""

    seq: Seq
    emoji: Annotated[str, Meta(max_length=32)]
    on: bool = True


class Configure(msgspec.Struct, frozen=True):
    """`chat.configure`: what is left out stays. `slow_seconds` is how long a viewer waits between two messages."""

    mode: Mode | UnsetType = UNSET
    slow_seconds: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    links: Links | UnsetType = UNSET
    attachments: Attachments | UnsetType = UNSET


class Mute(Texts, frozen=True):
    """`chat.mute`: without `seconds` the mute holds until it is lifted."""

    user: UserId
    seconds: Annotated[float, Meta(gt=0, le=366 * 86400)] | None = None
    reason: Reason = ""


class Unmute(msgspec.Struct, frozen=True):
    """`chat.unmute`: lift a user's mute."""

    user: UserId


class Report(Texts, frozen=True):
    """`chat.report`: what is wrong with a message."""

    seq: Seq
    reason: Reason = ""


class Verdict(Texts, frozen=True):
    """The body of `POST /reports/{id}/resolve`: what was decided about a report, and why."""

    status: Literal["upheld", "dismissed"]
    note: Reason = ""

    @classmethod
    def example(cls) -> Verdict:
        return cls("upheld", "Deleted, and muted for the day.")


class Revised(msgspec.Struct, frozen=True):
    """The ok of a row-first command: the revision after it."""

    rev: int
