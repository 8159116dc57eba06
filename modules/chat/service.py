"""The rules of chat."""

from __future__ import annotations

from gateway.errors import BadInput, Code, forbidden, invalid, not_found
from gateway.module import Context
from gateway.protocol.messages import Published
from modules.chat.messages import Delete, Deleted, Message, Send
from modules.chat.settings import ChatSettings

MESSAGE = "chat.message"
DELETED = "chat.deleted"


class Chat:
    """Messages in a room's log; nothing of chat is kept anywhere else."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings

    async def send(self, context: Context, request: Send) -> Published:
        """Store a message and send it to the room.

        Raises BadInput `invalid` or `too_large`, and Unavailable, after which it may have been stored.
        """
        if len(request.text) > self._settings.text_characters:
            raise BadInput(Code.TOO_LARGE, f"text is longer than {self._settings.text_characters} characters")
        if not request.text.strip():
            raise invalid("text is empty")
        # PostgreSQL cannot hold the character, and no one can see it.
        if "\0" in request.text:
            raise invalid("text has a NUL character")
        return await context.publish(MESSAGE, Message(request.text, request.reply_to))

    async def delete(self, context: Context, request: Delete) -> Published:
        """Erase a message: one's own, or any as a host.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        message = await context.rooms.read(context.room, request.seq)
        if message is None or message.push != MESSAGE:
            raise not_found("there is no such message")
        own = message.author is not None and message.author.id == context.principal.id
        if not own and not context.at_least("host"):
            raise forbidden("only its author or a host may delete a message")
        return await context.publish(DELETED, Deleted(request.seq), erases=[message])
