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
from modules.live.access.repository import SessionHosts
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
        self._known: StaleCache[SessionHosts, dict[str, frozenset[str]]] = StaleCache(
            self._ask, settings.mentor_names_fresh
        )

    async def check(self, principal: Principal, hosts: SessionHosts) -> None:
        """Raise Conflict `live.name` for a user, no host, whose name looks like a host's."""
        if await self.like_a_host(principal, hosts):
            raise errors.name_taken()

    async def like_a_host(self, principal: Principal, hosts: SessionHosts) -> bool:
        """Whether the user is named like one of the hosts. While the database has never answered, nobody is."""
        if not self._refuses:
            return False
        try:
            known = await self._known.get(hosts)
        except Unavailable:
            log.info("mentor_names.unknown", program=hosts.program_id)
            return False
        own = looks(principal.name)
        # Somebody who was a mentor a moment ago may be remembered as one.
        return any(id != principal.id and not own.isdisjoint(name) for id, name in known.items())

    async def _ask(self, hosts: SessionHosts) -> dict[str, frozenset[str]]:
        mentors, program = hosts
        ids = {*mentors, *await mentors_of(self._database, program)}
        names = await names_of(self._database, sorted(ids))
        return {id: looks(name) for id, name in names.items()}
