"""What people call the keys of figures: titles of programs and sessions, and names of kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.contract import Database
from modules.analytics.measures.measure import Dimension, Measure
from modules.analytics.measures.texts import MeasureTexts, translated
from modules.live.facade import session_titles
from modules.programs.facade import program_titles


class Labels:
    """Raises Unavailable."""

    def __init__(self, database: Database, texts: MeasureTexts) -> None:
        self._database = database
        self._texts = texts

    async def of(self, measure: Measure, by: Dimension | None, keys: Sequence[str], language: str) -> Mapping[str, str]:
        """The names of these keys. Days have none, and neither has what was deleted."""
        if by is Dimension.PROGRAM:
            return await program_titles(self._database, keys)
        if by is Dimension.SESSION:
            return await session_titles(self._database, keys)
        if by is Dimension.KIND:
            catalogue = await self._texts.catalogue(language)
            return {key: translated(catalogue, measure.labels.get(key, key)) for key in keys}
        return {}
