"""The parent of several gateway processes that share the port: starts them, and starts again what dies."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from gateway.registry import RegistryError
from gateway.worker_board import Board, Place, State

log = structlog.get_logger(__name__)

MakeServer = Callable[[uvicorn.Config, Place], uvicorn.Server]


class Worker(multiprocess.Process):
    """One of several processes that share the port, with a place on their board."""

    def __init__(
        self, board: Board, make_server: MakeServer, config: uvicorn.Config, sockets: list[socket.socket]
    ) -> None:
        self._place = board.take()
        self._make_server = make_server
        super().__init__(config, sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = self._make_server(self.config, self._place)
        return self._server

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().target(sockets)
        except Exception as error:
            self._place.board.fail(f"A process of the gateway cannot start: {error!r}.")
            log.exception("worker.failed")
            raise SystemExit(STARTUP_FAILURE) from error

    def join(self) -> None:
        super().join()
        self._place.set(State.FREE)


class Workers(multiprocess.Multiprocess):
    """Runs until SIGTERM or SIGINT. SIGHUP replaces the processes one after the other."""

    def __init__(
        self, config: uvicorn.Config, listening: socket.socket, make_server: MakeServer, *, patience: float
    ) -> None:
        super().__init__(config, [listening])
        self._board = Board(config.workers)
        self._patience = patience
        # The only way to say what the processes run; uvicorn's own would not drain.
        multiprocess.Process = functools.partial(Worker, self._board, make_server)  # type: ignore[assignment,misc]

    def run(self) -> None:
        """Raises RegistryError when a process cannot start; then none runs any more."""
        super().run()
        if self._board.failure and not self._board.complete:
            raise RegistryError(self._board.failure)

    def keep_subprocess_alive(self) -> None:
        """Start again what died. One that cannot start ends all, unless all were ready before."""
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if worker.is_alive(timeout=self._patience):
                continue
            # It may only hang.
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE and not self._board.complete:
                self._board.fail("A process of the gateway cannot start; its log says why.")
                self.should_exit.set()
                return
            log.error("worker.ended", pid=worker.pid, status=worker.exitcode)
            self.processes[index] = multiprocess.Process(self.config, self.sockets)
            self.processes[index].start()
