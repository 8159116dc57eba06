"""What the processes of one gateway tell each other, in memory that they share: who is ready, and why one cannot start.

    free ──parent starts a process──► starting ──its gateway is ready──► ready ◄──► unready
      ▲                                   └──nobody is, for long────────► unready
      └──the process has ended─── any of them

A process in `starting` accepts no connection. One in `ready` or `unready` does.
"""

from __future__ import annotations

from enum import IntEnum
from multiprocessing import get_context
from typing import Final, Literal

# More than any machine runs; two for each process while they are replaced.
PLACES: Final = 1024
SENTENCE_BYTES: Final = 4000


class State(IntEnum):
    FREE = 0
    STARTING = 1
    UNREADY = 2
    READY = 3


class Board:
    """Shared with processes by handing it to them as they are spawned. Each writes its own place alone."""

    def __init__(self, processes: int) -> None:
        context = get_context("spawn")
        self._processes = processes
        self._states = context.RawArray("b", PLACES)
        self._complete = context.RawValue("b", 0)
        self._failure = context.RawArray("c", SENTENCE_BYTES)

    def take(self) -> Place:
        """A place for a process that is about to be started; called by their parent."""
        index = next(index for index, state in enumerate(self._states) if state == State.FREE)
        self._states[index] = State.STARTING
        return Place(self, index)

    @property
    def failure(self) -> str:
        """Why the first process that could not start did not; empty when all could."""
        sentence: bytes = self._failure.value
        return sentence.decode(errors="replace")

    @property
    def complete(self) -> bool:
        """Whether all were ready once. From then on one that is away is missed, not waited for."""
        if not self._complete.value:
            self._complete.value = self._count(State.READY) >= self._processes and not self._count(State.STARTING)
        return bool(self._complete.value)

    def state(self) -> Literal["ok", "starting", "away"]:
        """The state of all: `starting` when a client may reach one that is not ready, `away` when one is missing."""
        if self._count(State.UNREADY) or not self.complete:
            return "starting"
        return "away" if self._count(State.STARTING) else "ok"

    def anybody_ready(self) -> bool:
        return bool(self._count(State.READY))

    def set(self, index: int, state: State) -> None:
        self._states[index] = state

    def fail(self, sentence: str) -> None:
        if not self._failure.value:
            self._failure.value = sentence.encode()[: SENTENCE_BYTES - 1]

    def _count(self, state: State) -> int:
        return sum(other == state for other in self._states)


class Place:
    """One process' place on the board."""

    def __init__(self, board: Board, index: int) -> None:
        self.board = board
        self._index = index

    def set(self, state: State) -> None:
        self.board.set(self._index, state)
