"""What is answered about the figures of a board."""

from __future__ import annotations

from uuid import UUID

import msgspec

from modules.analytics.boards.messages import BOARD, Widget
from modules.analytics.measures.messages import MeasureFigures


class WidgetError(msgspec.Struct, frozen=True):
    """Why a widget shows nothing to this reader: a code, as of a route, and a sentence."""

    code: str
    message: str


class WidgetFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A widget, and its figures or an error: exactly one of both."""

    widget: Widget
    figures: MeasureFigures | None
    error: WidgetError | None

    @classmethod
    def example(cls) -> WidgetFigures:
        return cls(widget=Widget.example(), figures=MeasureFigures.example(), error=None)


class BoardFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a board as its reader may see them, in the order of its widgets."""

    id: UUID
    title: str
    rev: int
    widgets: list[WidgetFigures]

    @classmethod
    def example(cls) -> BoardFigures:
        return cls(id=BOARD, title="My classes", rev=1, widgets=[WidgetFigures.example()])
