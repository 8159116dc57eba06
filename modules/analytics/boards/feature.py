"""Boards and questions, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Router

from gateway.contract import Kernel
from modules.analytics.boards import personal_data, routes
from modules.analytics.boards.attempt_repository import AttemptRepository
from modules.analytics.boards.board_reading import BoardReading
from modules.analytics.boards.boards import Boards
from modules.analytics.boards.questions import Questions
from modules.analytics.boards.repository import BoardRepository
from modules.analytics.boards.sharing import SharingRules
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.settings import AnalyticsSettings


class BoardsFeature:
    """`questions` answers what widgets ask, and `boards` keeps widgets."""

    def __init__(self, kernel: Kernel, settings: AnalyticsSettings, measures: MeasuresFeature) -> None:
        database = kernel.database
        self._database = database
        reading = BoardReading(measures.measures, AttemptRepository(database), settings.board_seconds)
        self.questions = Questions(measures, reading)
        self.boards = Boards(kernel, settings, BoardRepository(database), self.questions, SharingRules(database))
        self.router: Router = routes.router(self.boards, self.questions, settings)

    async def held(self, user: str) -> Mapping[str, Any]:
        """What an export shows of a user."""
        return await personal_data.held_on(self._database, user)

    async def forget(self, user: str) -> None:
        """A user is deleted; done again it changes nothing."""
        await personal_data.forget(self._database, user)
