"""Boards: dashboards that people make themselves, and share by a link inside the platform."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import BadInput, KsmpError, forbidden, invalid, not_found
from gateway.http.etag import IfMatch
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Author, Principal
from modules.analytics.boards.figures import BoardFigures, WidgetError, WidgetFigures
from modules.analytics.boards.messages import Board, BoardChange, BoardView, NewBoard, Widget
from modules.analytics.boards.questions import Questions
from modules.analytics.boards.repository import BoardRepository, Reader
from modules.analytics.boards.settings import BoardSettings
from modules.analytics.boards.sharing import SharingRules
from modules.analytics.errors import too_many_boards
from modules.programs.facade import programs_of

PLACE = "widgets[{}].question"


class Boards:
    """Each call raises Unavailable, and BadInput `not_found` for a board that the caller may not open."""

    def __init__(
        self,
        kernel: Kernel,
        settings: BoardSettings,
        boards: BoardRepository,
        questions: Questions,
        sharing: SharingRules,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._boards = boards
        self._questions = questions
        self._sharing = sharing

    async def create(self, owner: Principal, new: NewBoard) -> BoardView:
        """Raises what `Questions.check` and `SharingRules.check` raise, and Conflict `analytics.too_many_boards`."""
        await self._kernel.filters.check(new, Author.of(owner))
        await self._check_widgets(owner, new.widgets)
        await self._sharing.check(owner, new.sharing)
        now = clock.now()
        board = Board(
            id=UUID(new_id()),
            owner_id=owner.id,
            title=new.title,
            widgets=new.widgets,
            sharing=new.sharing,
            created_at=now,
            changed_at=now,
            rev=1,
        )
        async with self._kernel.database.transaction():
            if await self._boards.lock_owner(owner.id) >= self._settings.boards_each:
                raise too_many_boards(self._settings.boards_each)
            await self._boards.insert(board)
        return _view(board, owner)

    async def page(self, reader: Principal, span: Span) -> Page[BoardView]:
        """The boards that the reader may open: their own, and those that are shared with them. The newest first."""
        page = await self._boards.page(span, await self._reader(reader))
        return Page([_view(board, reader) for board in page.items], page.next)

    async def read(self, reader: Principal, id: UUID) -> BoardView:
        return _view(await self._open(reader, id), reader)

    async def change(self, owner: Principal, id: UUID, change: BoardChange, if_match: IfMatch) -> BoardView:
        """As `create`; also BadInput `precondition_failed`, and Refused `forbidden` for who is not its owner."""
        await self._kernel.filters.check(change, Author.of(owner))
        if change.widgets is not msgspec.UNSET:
            await self._check_widgets(owner, change.widgets)
        known = (await self._open(owner, id)).sharing
        if change.sharing is not msgspec.UNSET:
            # Who opened it before still does, also where it could not be shared with them anew.
            await self._sharing.check(owner, change.sharing.added_to(known))
            known = change.sharing
        given = {
            name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not msgspec.UNSET
        }
        async with self._kernel.database.transaction():
            before = await self._owned(owner, id)
            if_match.check(before.rev)
            await self._sharing.check_kept(owner, known)
            board = msgspec.structs.replace(before, changed_at=clock.now(), rev=before.rev + 1, **given)
            await self._boards.update(board)
        return _view(board, owner)

    async def delete(self, owner: Principal, id: UUID) -> None:
        """Raises Refused `forbidden` for who is not its owner."""
        async with self._kernel.database.transaction():
            board = await self._owned(owner, id)
            await self._boards.delete(board.id)

    async def figures(self, reader: Principal, id: UUID, language: str) -> BoardFigures:
        """What its widgets show this reader, all at one moment. A widget without figures says why."""
        board = await self._open(reader, id)
        answers = await self._questions.answer_all(reader, [one.question for one in board.widgets], language)
        shown = [
            WidgetFigures(
                widget=widget,
                figures=None if isinstance(answer, KsmpError) else answer,
                error=WidgetError(answer.code, answer.message) if isinstance(answer, KsmpError) else None,
            )
            for widget, answer in zip(board.widgets, answers, strict=True)
        ]
        return BoardFigures(id=board.id, title=board.title, rev=board.rev, widgets=shown)

    async def _open(self, reader: Principal, id: UUID) -> Board:
        return _found(await self._boards.find(id, await self._reader(reader)))

    async def _owned(self, owner: Principal, id: UUID) -> Board:
        """The board, locked. Who may open it and does not own it learns that; nobody else learns that it is there."""
        await self._open(owner, id)
        board = _found(await self._boards.lock(id))
        if board.owner_id != owner.id:
            raise forbidden("only its owner changes a board; make one of your own of its widgets")
        return board

    async def _reader(self, reader: Principal) -> Reader:
        return Reader.of(reader, await programs_of(self._kernel.database, reader.id, reader.role))

    async def _check_widgets(self, owner: Principal, widgets: Sequence[Widget]) -> None:
        if len(widgets) > self._settings.board_widgets:
            raise invalid(f"a board has at most {self._settings.board_widgets} widgets", field="widgets")
        for number, widget in enumerate(widgets):
            try:
                await self._kernel.filters.check(widget, Author.of(owner))
            except BadInput as error:
                error.field = f"widgets[{number}].{error.field}"
                raise
        await self._questions.check(owner, [widget.question for widget in widgets], PLACE)


def _found(board: Board | None) -> Board:
    if board is None:
        raise not_found("there is no such board")
    return board


def _view(board: Board, reader: Principal) -> BoardView:
    return BoardView(
        id=board.id,
        owner_id=board.owner_id,
        title=board.title,
        widgets=board.widgets,
        sharing=board.sharing if board.owner_id == reader.id else None,
        link=f"/dashboards?board={board.id}",
        created_at=board.created_at,
        changed_at=board.changed_at,
        rev=board.rev,
    )
