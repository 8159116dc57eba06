"""The moment that lateness is counted from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.assignments.submissions.stamps import Graces, counted_at
from modules.files.facade import FileFacts, FileState

DUE = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
GRACES = Graces(turn_in=900, upload=600, after_upload=60)


def at(seconds: float) -> datetime:
    """So long after the due moment."""
    return DUE + timedelta(seconds=seconds)


def file(begun: float, stored: float) -> FileFacts:
    return FileFacts(
        "f",
        "sam",
        "assignments.submission",
        "a",
        "page.jpg",
        "image/jpeg",
        1,
        "0" * 64,
        FileState.CLEAN,
        at(begun),
        at(stored),
    )


@pytest.mark.parametrize(
    ("stamp", "written", "files", "counted"),
    [
        # Without files the stamp counts.
        (5, -100, [], 5),
        # An upload that began in time, and was turned in right after it.
        (130, None, [(-30, 120)], -30),
        (130, -10, [(-30, 120)], -10),
        # The last of the uploads decides.
        (130, None, [(-30, 50), (-5, 120)], -5),
        (130, None, [(-30, 50), (1, 120)], 1),
        # Words that were written later count as of then.
        (130, 125, [(-30, 120)], 125),
        # Turned in long after the upload.
        (200, None, [(-30, 120)], 200),
        # An upload of more than the grace.
        (900, None, [(-3000, 890)], 300),
        # In time as a whole: it cannot become later by this.
        (-5, None, [(-300, -20)], -300),
    ],
)
def test_which_moment_counts(
    stamp: float, written: float | None, files: list[tuple[float, float]], counted: float
) -> None:
    written_at = None if written is None else at(written)
    assert counted_at(at(stamp), written_at, [file(*one) for one in files], GRACES) == at(counted)


@given(
    st.floats(-1000, 1000),
    st.none() | st.floats(-1000, 1000),
    st.lists(st.tuples(st.floats(-1000, 1000), st.floats(0, 1000)), max_size=3),
)
def test_it_is_never_later_than_the_stamp_nor_much_earlier(
    stamp: float, written: float | None, uploads: list[tuple[float, float]]
) -> None:
    files = [file(begun, begun + took) for begun, took in uploads]
    counted = counted_at(at(stamp), None if written is None else at(written), files, GRACES)
    assert at(stamp) - timedelta(seconds=GRACES.upload) <= counted <= at(stamp)
    # Nothing that was fixed later than the due moment counts as in time.
    fixed = [at(begun) for begun, _ in uploads] + ([] if written is None else [at(written)])
    if counted <= DUE < at(stamp):
        assert all(one <= DUE for one in fixed)
