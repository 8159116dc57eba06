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
        )
    message = msgspec.json.decode(stored.data, type=Message)
    return Post(stored.seq, stored.at, stored.author, message.text, message.reply_to, message.mentions, message.kind)
