"""The part of a statement that keeps it within the scope of its caller, and the statement's arguments."""

from __future__ import annotations

from typing import Any

from modules.analytics.measures.measure import Query


class Conditions:
    """Collects the arguments of one statement. Each `add` gives the `$1`, `$2` … that stands for its value."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self.arguments: list[Any] = []

    def add(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def within(self, table: str, *, subject: bool = True) -> str:
        """The condition that rows of a table are in the scope and pass the filters; begins with AND, or is empty.

        `table` has the columns `program_id`, and `session_id` and `subject` where they are asked for. Raises
        ValueError for somebody's own figures of a table without subjects: it would show everybody's.
        """
        scope, filters = self._query.scope, self._query.filters
        parts: list[str] = []
        programs = scope.within(filters.programs).programs
        if programs is not None:
            parts.append(f"AND {table}.program_id = ANY({self.add(list(programs))}::text[])")
        if scope.subject is not None:
            if not subject:
                raise ValueError(f"{table} has no subjects, so nobody's own figures come from it")
            parts.append(f"AND {table}.subject = {self.add(scope.subject)}")
        if filters.session:
            parts.append(f"AND {table}.session_id = {self.add(filters.session)}")
        return " ".join(parts)
