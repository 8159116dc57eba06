"""The rules of whiteboard: who draws, who clears, and when a board is wiped by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Context, Delivery, Kernel, command, listener, snapshot_part, timer
from gateway.errors import forbidden, not_found
from gateway.principal import Principal, Role
from ksmp_whiteboard.events import Wiped
from ksmp_whiteboard.messages import BOARD, Board, Clear, Drawn, Idle, Stroke
from ksmp_whiteboard.repository import BoardRepository
from ksmp_whiteboard.settings import WhiteboardSettings
from modules.live.facade import roles_in

IDLE: Final = "whiteboard.idle"


class Boards:
    """The board of each session."""

    pushes = (BOARD,)

    def __init__(self, kernel: Kernel, settings: WhiteboardSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._boards = BoardRepository(kernel.database)

    @command("whiteboard.draw", room="session", role="viewer", row_first=True)
    async def draw(self, context: Context, request: Stroke) -> Drawn:
        """Add a stroke. The oldest goes when there are too many."""
        session = context.room_id
        strokes = [*await self._boards.lock(session), request][-self._settings.strokes :]
        board = await self._boards.write(session, strokes)
        await context.publish_row(BOARD, board)
        due = clock.now() + timedelta(seconds=self._settings.idle_seconds)
        await self._kernel.schedules.at(IDLE, session, due, Idle(session))
        return Drawn(board.rev)

    @command("whiteboard.clear", room="session", role="host", row_first=True)
    async def clear(self, context: Context, request: Clear) -> Drawn:
        board = await self._wipe(context.room_id)
        await context.publish_row(BOARD, board)
        await self._kernel.schedules.cancel(IDLE, context.room_id)
        return Drawn(board.rev)

    @timer(IDLE)
    async def wipe_idle(self, payload: Idle, delivery: Delivery) -> None:
        # Already inside a transaction, which also remembers that the timer fired.
        board = await self._wipe(payload.session_id)
        await self._kernel.rooms.publish_row(f"session:{payload.session_id}", BOARD, board)

    @listener(Wiped, "whiteboard.count_wipes")
    async def count_wipe(self, event: Wiped, delivery: Delivery) -> None:
        await self._boards.count_wipe(event.session_id)

    @snapshot_part("whiteboard.board", room="session", shared=True)
    async def snapshot(self, context: Context) -> Board:
        """What a late joiner gets; an empty board when nobody has drawn yet."""
        return await self._boards.find(context.room_id) or Board(context.room_id, 0, [])

    async def read(self, principal: Principal, session: str) -> Board:
        """For those who teach the session.

        Raises Refused `forbidden` for others, and BadInput `not_found` when nobody has drawn there yet.
        """
        if principal.role is not Role.ADMIN:
            roles = await roles_in(self._kernel.database, session, [principal.id])
            if roles.get(principal.id) != "host":
                raise forbidden("only those who teach a session may read its board here")
        board = await self._boards.find(session)
        if board is None:
            raise not_found("nobody has drawn in this session")
        return board

    async def _wipe(self, session: str) -> Board:
        await self._boards.lock(session)
        board = await self._boards.write(session, [])
        await self._kernel.events.publish(Wiped(session))
        return board
