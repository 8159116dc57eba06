"""Keeps users out of a class whose names look like those of its mentors, so that nobody is taken for one."""

from __future__ import annotations

import structlog

from gateway.contract import Database
from gateway.errors import Unavailable
from gateway.principal import Principal
from gateway.stale_cache import StaleCache
from gateway.unicode.skeleton import looks
from modules.accounts.facade import names_of
from modules.live import errors
from modules.live.settings import LiveSettings
from modules.programs.facade import mentors_of

log = structlog.get_logger(__name__)


class MentorNames:
    """Knows how the names of each session's mentors look.

    A role tells a mentor from a student of the same name, but few who read a chat look at it. So a name that looks the
    same (UTS #39) does not come in. Students among each other may have one name, as they do in any class.
    """

    def __init__(self, database: Database, settings: LiveSettings) -> None:
        self._database = database
        self._refuses = settings.mentor_names == "refuse"
        # Reads the table of characters now: a file is not read while a room waits.
        looks("")
        # By the session's mentors and its program.
        self._known: StaleCache[tuple[tuple[str, ...], str], dict[str, frozenset[str]]] = StaleCache(
            self._ask, settings.mentor_names_fresh
        )

    async def check(self, principal: Principal, mentors: tuple[str, ...], program_id: str) -> None:
        """Raise Conflict `live.name` for a user, no host, whose name looks like a host's.

        While the database has never answered, every name is let in.
        """
        if not self._refuses:
            return
        try:
            known = await self._known.get((mentors, program_id))
        except Unavailable:
            log.info("mentor_names.unknown", program=program_id)
            return
        own = looks(principal.name)
        # Somebody who was a mentor a moment ago may be remembered as one.
        if any(id != principal.id and not own.isdisjoint(name) for id, name in known.items()):
            raise errors.name_taken()

    async def _ask(self, hosts: tuple[tuple[str, ...], str]) -> dict[str, frozenset[str]]:
        mentors, program = hosts
        ids = {*mentors, *await mentors_of(self._database, program)}
        names = await names_of(self._database, sorted(ids))
        return {id: looks(name) for id, name in names.items()}
