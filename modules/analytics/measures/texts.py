"""The texts of measures in the languages of readers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from gateway.localization.catalogue import Catalogue, catalogue_path, read_catalogue
from modules.analytics.measures.measure import Measure
from modules.analytics.measures.messages import MeasureView

LOCALE: Final = Path(__file__).parent.parent / "locale"
DOMAIN: Final = "analytics"
ENGLISH: Final = "en"


class MeasureTexts:
    """Translates by the catalogues of a folder. What a catalogue does not have stays English."""

    def __init__(self, folder: Path = LOCALE) -> None:
        self._folder = folder
        self._catalogues: dict[str, Catalogue] = {ENGLISH: {}}

    async def catalogue(self, language: str) -> Catalogue:
        """The catalogue of a language; it is read once, in a thread."""
        if language not in self._catalogues:
            path = catalogue_path(self._folder, language, DOMAIN)
            self._catalogues[language] = await asyncio.to_thread(read_catalogue, path)
        return self._catalogues[language]

    async def view(self, measure: Measure, language: str) -> MeasureView:
        """The measure with its texts in a language."""
        catalogue = await self.catalogue(language)
        return MeasureView(
            name=measure.name,
            title=translated(catalogue, measure.title),
            unit=measure.unit,
            definition=translated(catalogue, measure.definition),
            numerator=translated(catalogue, measure.numerator),
            denominator=translated(catalogue, measure.denominator),
            dimensions=list(measure.dimensions),
            kinds=translated(catalogue, measure.kinds),
            target=measure.target,
            lower_is_better=measure.lower_is_better,
            state=measure.state,
            discreet=measure.discreet,
            from_clients=measure.from_clients,
        )


def translated(catalogue: Catalogue, text: str) -> str:
    """The text in the catalogue's language, or as it is."""
    return catalogue.get((text, ""), (text,))[0] if text else ""
