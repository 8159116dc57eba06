"""Operations of Razorpay's API by method and path, and the lists that they answer with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from devcloud.document import Document
from devcloud.razorpay import fields
from devcloud.razorpay.account import Account
from devcloud.razorpay.errors import RazorpayError
from devcloud.wire import Request

DEFAULT_LISTED = 10


class Created(Protocol):
    """Anything with a time of creation."""

    created_at: int


Item = TypeVar("Item", bound=Created)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request: its ids from the path, its body, its query."""

    request: Request
    ids: tuple[str, ...]

    @property
    def body(self) -> Document:
        """The JSON object that came. Raises RazorpayError."""
        return fields.body_of(self.request.body)

    def parameter(self, name: str) -> str:
        """The first value of a parameter of the query, empty when there is none."""
        return self.request.parameters.get(name, [""])[0]

    def number(self, name: str, default: int, most: int | None = None) -> int:
        """A parameter that is a number. Raises RazorpayError."""
        given = self.parameter(name)
        value = fields.integer(given, name) if given else default
        if value < 0:
            raise RazorpayError(f"The {name} must be at least 0.", field=name)
        if most is not None and value > most:
            raise RazorpayError(f"The {name} may not be greater than {most}.", field=name)
        return value

    def expands(self, name: str) -> bool:
        """Whether `expand[]` asks for something."""
        return name in self.request.parameters.get("expand[]", [])


Handler = Callable[[Account, Call], Document]


@dataclass(frozen=True)
class Operation:
    """`name` is how faults and counts call it."""

    name: str
    handler: Handler


class Operations:
    """Finds the operation of a request in one step. A path may have ids: `payments/{}/capture`."""

    def __init__(self) -> None:
        self._table: dict[tuple[str, str], Operation] = {}

    def __call__(self, name: str, method: str, path: str) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self._table[method, path] = Operation(name, handler)
            return handler

        return keep

    @property
    def names(self) -> set[str]:
        """All that there are."""
        return {operation.name for operation in self._table.values()}

    def find(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
        """The operation, and the ids of the path."""
        parts = path.strip("/").split("/")
        # A word wins over an id: `settlements/recon/combined`.
        for places in ((), (1,), (1, 3)):
            if places and places[-1] >= len(parts):
                break
            pattern = "/".join("{}" if place in places else part for place, part in enumerate(parts))
            operation = self._table.get((method, pattern))
            if operation is not None:
                return operation, tuple(parts[place] for place in places)
        return None


operations = Operations()


def collection(items: list[Document]) -> Document:
    """A list as Razorpay writes it."""
    return {"entity": "collection", "count": len(items), "items": items}


def listed(call: Call, items: Iterable[Item], most: int = fields.MOST_LISTED) -> list[Item]:
    """Those that `from`, `to`, `count` and `skip` ask for, of items that come newest first."""
    since, until = call.number("from", 0), call.number("to", 0)
    skip = call.number("skip", 0)
    count = call.number("count", DEFAULT_LISTED, most) or DEFAULT_LISTED
    within = (item for item in items if since <= item.created_at and (not until or item.created_at <= until))
    return list(islice(within, skip, skip + count))
