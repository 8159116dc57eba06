"""Database: PostgreSQL, as a module sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol


class Database(Protocol):
    """PostgreSQL through Piccolo's engine. `guard` turns its absence into Unavailable."""

    def guard(self) -> AbstractContextManager[None]:
        """A context manager: lost connections and timeouts inside raise Unavailable."""

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """All statements of this task inside commit together, or none. One inside another joins it.

        Raises Unavailable, after which it may have been committed.
        """

    @property
    def in_transaction(self) -> bool:
        """Whether this task is inside a transaction that is not over yet."""

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[Mapping[str, Any]]:
        """The rows of a statement with `$1`, `$2` …, in this task's transaction if there is one; raises Unavailable."""

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows to a table by COPY, in this task's transaction, of which there must be one; raises Unavailable.

        For thousands of rows it takes half the CPU of a statement with arrays.
        """
