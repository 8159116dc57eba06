"""Reads messages from a room's log, where alone they are kept."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Context, StoredPush
from gateway.errors import not_found
from modules.chat.pushes import EDITED, MESSAGE, Edited, Message, Post

# The pushes that are messages: as sent, or a later version.
VERSIONS: Final = (MESSAGE.name, EDITED.name)


async def find_message(context: Context, seq: int) -> StoredPush:
    """A message of the room in its latest version; raises BadInput `not_found` or Unavailable."""
    found = await context.rooms.read(context.room, seq)
    # A version has a seq of its own. Clients name a message by the seq under which it was first sent.
    if found is None or found.push not in VERSIONS or (found.replaces or found.seq) != seq:
        raise not_found("there is no such message")
    if context.seen_from and post_of(found).at < context.seen_from:
        raise not_found("there is no such message")
    return found


def post_of(stored: StoredPush) -> Post:
    """A message of the log, in whichever version, as a snapshot shows it."""
    if stored.push == EDITED.name:
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
            files=edited.files,
            thread=edited.thread,
        )
    message = msgspec.json.decode(stored.data, type=Message)
    return Post(
        seq=stored.seq,
        at=stored.at,
        author=stored.author,
        text=message.text,
        reply_to=message.reply_to,
        mentions=message.mentions,
        kind=message.kind,
        files=message.files,
        thread=message.thread,
    )


def first_id(stored: StoredPush) -> str:
    """The id that the message was first sent with, in whichever version it is."""
    if stored.replaces is None:
        return stored.message_id
    return next(one.message_id for one in stored.erases if one.seq == stored.replaces)
