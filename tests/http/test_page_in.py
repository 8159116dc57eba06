"""A list in memory is cut into pages by its key: nothing is repeated or skipped, whatever comes and goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from gateway.http.listing import Page, Sort, Span, page_in
from tests.http.notes import NoteRow

Pair = tuple[str, str]


def pair(one: Pair) -> Pair:
    return one


@given(st.sets(st.tuples(st.text(), st.text())), st.integers(1, 7))
def test_pages_together_are_the_list(items: set[Pair], limit: int) -> None:
    found: list[Pair] = []
    page: Page[Pair] = page_in(items, "pairs", pair, Span(limit))
    found += page.items
    while page.next is not None:
        assert len(page.items) == limit
        page = page_in(items, "pairs", pair, Span(limit, page.next))
        found += page.items
    assert found == sorted(items)


def test_what_was_shown_is_not_shown_again_when_others_come_and_go() -> None:
    first = page_in([("b", ""), ("d", ""), ("f", "")], "pairs", pair, Span(2))
    later = page_in([("a", ""), ("e", ""), ("f", "")], "pairs", pair, Span(2, first.next))
    assert later == Page([("e", ""), ("f", "")], None)


@pytest.mark.parametrize("cursor", ["", "x", "WyJvdGhlcnMiLCJhIl0", Sort("pairs", (NoteRow.rev,)).cursor({"rev": 1})])
def test_a_cursor_of_another_order_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput) as caught:
        page_in([("a", "b")], "pairs", pair, Span(1, cursor))
    assert (caught.value.code, caught.value.field) == ("invalid", "cursor")
