"""A client event whose properties could hold a name of somebody is refused at the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from modules.analytics.facade import ClientEventType, Tracked
from modules.analytics.tracking.event_types import ClientEventTypes
from modules.analytics.tracking.own_events import OWN_EVENTS
from tests.modules.analytics.lab import CLICKED


class Contributed:
    """A kernel as far as the registry asks it."""

    def __init__(self, *types: ClientEventType) -> None:
        self._types = types

    def contributed(self, kind: type[Any]) -> Sequence[Any]:
        return [one for one in self._types if isinstance(one, kind)]


def types_of(*types: ClientEventType) -> ClientEventTypes:
    return ClientEventTypes(Contributed(*types))  # type: ignore[arg-type]


def made(**fields: Any) -> ClientEventType:
    properties = msgspec.defstruct("Properties", list(fields.items()), forbid_unknown_fields=True)
    return ClientEventType(name="lab.made", properties=properties, tracked=lambda _: Tracked())


def test_ids_numbers_and_words_are_fine() -> None:
    safe = made(
        a=int,
        b=bool,
        c=UUID,
        d=Literal["x", "y"] | None,
        e=Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}$")],
        f=Annotated[int, Meta(ge=0)] | None,
    )
    types_of(CLICKED, safe, *OWN_EVENTS).check()


@pytest.mark.parametrize("kind", [str, str | None, float, list[str], dict[str, int], Any, msgspec.Raw])
def test_free_text_is_not(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"client event lab\.made: note may hold free text"):
        types_of(made(note=kind)).check()


def test_nor_are_unknown_fields() -> None:
    class Open(msgspec.Struct):
        a: int

    with pytest.raises(ValueError, match="unknown fields"):
        types_of(ClientEventType(name="lab.open", properties=Open, tracked=lambda _: Tracked())).check()


def test_nor_two_of_a_name() -> None:
    with pytest.raises(ValueError, match=r"lab\.clicked: two modules"):
        types_of(CLICKED, CLICKED).check()
