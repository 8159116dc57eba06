"""What chat's clients send and see."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gateway.protocol.messages import Seq


class Send(msgspec.Struct, frozen=True):
    """`chat.send`: `reply_to` is the seq of a message in the same room."""

    text: str
    reply_to: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Delete(msgspec.Struct, frozen=True):
    """`chat.delete`: the seq of the message."""

    seq: Seq


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """The data of the push `chat.message`."""

    text: str
    reply_to: int | None = None


class Deleted(msgspec.Struct, frozen=True):
    """The data of the push `chat.deleted`: the seq of the message that is gone."""

    seq: int
