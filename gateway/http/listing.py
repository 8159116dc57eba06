"""Lists in pages: `?limit=…&cursor=…`, answered as `{"items": […], "next": "…" | null}`.

A page begins after the sort key of the last item, not after a count. So items that come or go in the meantime lead
to no repeated and no skipped item. A cursor holds only that key. It is opaque, but not secret, and it grants nothing:
the query decides what its caller may see.

    NEWEST = Sort("newest", (Program.created_at, Program.id), descending=True)

    @get("/programs", policy=anyone())
    async def programs(span: NamedDependency[Span]) -> Page[ProgramView]:
        return await page_of(Program.select().where(Program.published), NEWEST, span, ProgramView)

A list that no query can order, because its items are derived, is cut by `page_in`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from litestar.di import Provide
from litestar.params import QueryParameter
from piccolo.columns import Column
from piccolo.columns.combination import WhereRaw
from piccolo.query import Select

from gateway.errors import BadInput, invalid

DEFAULT: Final = 50
MOST: Final = 200

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """`next` is the cursor of the page after this one; null on the last."""

    items: list[T]
    next: str | None


class Span(msgspec.Struct, frozen=True):
    """The part of a list that a caller asks for."""

    limit: int = DEFAULT
    cursor: str | None = None


@dataclass(frozen=True)
class Sort:
    """A total order: the last column is unique, and no column is null. A cursor holds the name of its order."""

    name: str
    columns: Sequence[Column]
    descending: bool = False

    def cursor(self, row: dict[str, Any]) -> str:
        """The cursor of the items after this row."""
        return _cursor(self.name, [row[column._meta.name] for column in self.columns])

    def key(self, cursor: str) -> list[Any]:
        """The sort key in a cursor; raises BadInput `invalid` for a cursor of another order."""
        kinds = [column.value_type for column in self.columns]
        try:
            return [_storable(value) for value in _key(cursor, self.name, kinds)]
        except (ValueError, OverflowError):
            raise _unknown() from None


async def page_of(query: Select[Any], sort: Sort, span: Span, kind: type[T]) -> Page[T]:
    """Run a query for one page. It must have its filters, and select the columns of the sort."""
    names = [f'"{column._meta.table._meta.tablename}"."{column._meta.db_column_name}"' for column in sort.columns]
    if span.cursor is not None:
        places = ", ".join("{}" for _ in names)
        sign = "<" if sort.descending else ">"
        query = query.where(WhereRaw(f"({', '.join(names)}) {sign} ({places})", *sort.key(span.cursor)))
    for column in sort.columns:
        query = query.order_by(column, ascending=not sort.descending)
    rows = await query.limit(span.limit + 1)
    items = [msgspec.convert(row, kind) for row in rows[: span.limit]]
    return Page(items, sort.cursor(rows[span.limit - 1]) if len(rows) > span.limit else None)


def page_in(items: Iterable[T], name: str, key: Callable[[T], tuple[str, ...]], span: Span) -> Page[T]:
    """One page of a list in memory, in the order of a key of texts that no two items share.

    A cursor holds the name of the order. Raises BadInput `invalid` for one of another order.
    """
    ordered = sorted(items, key=key)
    if span.cursor is not None:
        after = tuple(_key(span.cursor, name, None))
        ordered = [one for one in ordered if key(one) > after]
    shown = ordered[: span.limit]
    return Page(shown, _cursor(name, key(shown[-1])) if len(ordered) > span.limit else None)


def dependencies() -> dict[str, Provide]:
    """`span: NamedDependency[Span]` of a route that lists."""
    return {"span": Provide(_span, sync_to_thread=False)}


def _span(
    limit: Annotated[int, QueryParameter(ge=1, le=MOST, description="Most items to answer")] = DEFAULT,
    cursor: Annotated[
        str | None,
        QueryParameter(description="`next` of the page before; leave out for the first", min_length=1, max_length=1000),
    ] = None,
) -> Span:
    return Span(limit, cursor)


def _cursor(name: str, key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([name, *key])).rstrip(b"=").decode()


def _key(cursor: str, name: str, kinds: Sequence[Any] | None) -> list[Any]:
    """The key in a cursor, of values of these kinds, or of any number of texts; raises BadInput `invalid`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, *values = msgspec.json.decode(raw, type=list[Any])
        if found != name:
            raise _unknown()
        kinds = [str] * len(values) if kinds is None else kinds
        return [msgspec.convert(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (binascii.Error, msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        raise _unknown() from None


def _storable(value: Any) -> Any:
    """The value as PostgreSQL can compare it; raises ValueError or OverflowError for one that it cannot hold."""
    match value:
        case datetime() if value.tzinfo is None:
            raise ValueError("no zone")
        case datetime():
            return value.astimezone(UTC)
        case int() if not -(2**63) <= value < 2**63:
            raise OverflowError("no bigint")
        case str() if "\0" in value:
            raise ValueError("no text")
    return value


def _unknown() -> BadInput:
    return invalid("this cursor is not one that the list gave", field="cursor")
