"""What hosts may keep of a room: questions, polls, ballots, the audit of moderation, consents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.live.room.consents.consents import Consents
from modules.live.room.consents.messages import ConsentList
from modules.live.room.export.messages import ModerationList, PollList, QuestionList, QuestionRecord
from modules.live.room.moderation.moderation import Moderation
from modules.live.room.polls.messages import CastVote
from modules.live.room.polls.polls import Polls
from modules.live.room.questions.questions import Questions

# The role of a user in a session's staff room; raises Refused and BadInput `not_found`.
StaffRole = Callable[[Principal, str], Awaitable[str]]


class Export:
    """Each call raises Refused `forbidden` for who is no host or co-host, BadInput `not_found` and Unavailable."""

    def __init__(
        self, staff_role: StaffRole, questions: Questions, polls: Polls, moderation: Moderation, consents: Consents
    ) -> None:
        self._staff_role = staff_role
        self._questions = questions
        self._polls = polls
        self._moderation = moderation
        self._consents = consents

    async def questions(self, principal: Principal, session: str) -> QuestionList:
        await self._staff_role(principal, session)
        pairs = await self._questions.export(session)
        return QuestionList([QuestionRecord(one, one.author is None, asker) for one, asker in pairs])

    async def polls(self, principal: Principal, session: str) -> PollList:
        await self._staff_role(principal, session)
        return PollList(await self._polls.results(session))

    async def ballots(self, principal: Principal, session: str, poll: str, span: Span) -> Page[CastVote]:
        """An anonymous poll is `not_found`, too."""
        await self._staff_role(principal, session)
        return await self._polls.ballots(session, poll, span)

    async def moderation(self, principal: Principal, session: str) -> ModerationList:
        await self._staff_role(principal, session)
        return ModerationList(await self._moderation.audit(session))

    async def consents(self, principal: Principal, session: str) -> ConsentList:
        await self._staff_role(principal, session)
        return await self._consents.answers(session)
