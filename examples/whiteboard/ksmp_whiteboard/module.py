"""The whiteboard module: commands in rooms of kind `session`, which live owns."""

from __future__ import annotations

from pathlib import Path

from litestar import Router

from gateway.contract import Kernel, Module
from gateway.http.services import services
from ksmp_whiteboard import routes
from ksmp_whiteboard.boards import Boards
from ksmp_whiteboard.events import Wiped
from ksmp_whiteboard.settings import WhiteboardSettings
from ksmp_whiteboard.tables import BoardRow


class WhiteboardModule(Module):
    """A whiteboard in live sessions."""

    name = "whiteboard"
    requires = ("live",)
    settings_type = WhiteboardSettings
    emits = (Wiped,)
    tables = (BoardRow,)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        boards = Boards(kernel, kernel.settings(WhiteboardSettings))
        self.features = (boards,)
        self.routes = (Router("/whiteboards", route_handlers=[routes.snapshot], dependencies=services(boards=boards)),)
