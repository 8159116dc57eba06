"""The waits between tries."""

from __future__ import annotations

from ksmp_client.backoff import Backoff


def test_waits_double_up_to_twenty_seconds() -> None:
    backoff = Backoff()
    ceilings = []
    for _ in range(8):
        ceilings.append(backoff.ceiling)
        assert 0 <= backoff.next() <= ceilings[-1]
    assert ceilings == [0.5, 1, 2, 4, 8, 16, 20, 20]
    backoff.reset()
    assert backoff.ceiling == 0.5
