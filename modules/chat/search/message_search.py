"""Searches messages by words, in the rooms that the reader may read now."""

from __future__ import annotations

import msgspec

from gateway.contract import Kernel
from gateway.errors import invalid
from gateway.principal import Principal, Role
from modules.chat.attachments import Attachments
from modules.chat.index.scope import scope_of
from modules.chat.index.words import asked_words
from modules.chat.search.messages import FoundMessage, FoundMessages
from modules.chat.search.repository import Match, Search, SearchRepository
from modules.chat.stored_message import post_of
from modules.programs.facade import programs_of


class Query(msgspec.Struct, frozen=True):
    """What somebody searches for. Without a room it is searched for in all of theirs."""

    q: str
    room: str | None
    author: str | None
    before: int | None
    limit: int


class MessageSearch:
    """Finds messages that have all words of a query; the last word may be the beginning of one."""

    def __init__(self, kernel: Kernel, attachments: Attachments) -> None:
        self._kernel = kernel
        self._attachments = attachments
        self._rows = SearchRepository(kernel.database)

    async def search(self, principal: Principal, query: Query) -> FoundMessages:
        """A page of what was found, the newest first.

        In a room that the reader may not read nothing is found, as in one that is not there. Raises BadInput `invalid`
        for a query without a word, and Unavailable.
        """
        words = asked_words(query.q)
        if not words:
            raise invalid("there is no word in it to search for", field="q")
        scopes = await self._scopes(principal, query.room)
        if query.room is None and not scopes:
            return FoundMessages((), None)
        matches = await self._rows.run(
            Search(
                words=tuple(words),
                scopes=tuple(scopes),
                room=query.room,
                author=query.author,
                before=query.before,
                reader=principal.id,
                may_teach=principal.role.may_teach,
                # Direct rooms are their members' alone: what an admin has to know is reported.
                reads_all=principal.role is Role.ADMIN and query.room is not None,
                limit=query.limit + 1,
            )
        )
        shown = matches[: query.limit]
        return FoundMessages(await self._messages(shown), shown[-1].seq if len(matches) > len(shown) else None)

    async def _scopes(self, principal: Principal, room: str | None) -> list[str]:
        """Scopes that every message to be found has one of. They spare work, and decide nothing."""
        if room is None:
            programs = await programs_of(self._kernel.database, principal.id, principal.role)
            directs = await self._rows.direct_rooms(principal.id)
            return [scope_of("", id) for id in programs] + [scope_of(f"direct:{id}", None) for id in directs]
        kind, _, id = room.partition(":")
        # Of a class it is the scope of its program, which the room narrows down anyway.
        return [] if kind == "session" else [scope_of(room, id if kind == "program" else None)]

    async def _messages(self, matches: list[Match]) -> tuple[FoundMessage, ...]:
        stored = await self._kernel.archive.found([one.version for one in matches])
        # One that was erased since is left out.
        here = [one for one in matches if one.version in stored]
        posts = await self._attachments.refresh([post_of(stored[one.version]) for one in here])
        return tuple(FoundMessage(one.room, post, one.thread) for one, post in zip(here, posts, strict=True))
