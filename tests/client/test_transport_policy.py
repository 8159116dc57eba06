"""Which transport the client tries next."""

from __future__ import annotations

from ksmp_client.transport_policy import TransportPolicy


def test_two_refusals_in_a_row_lead_to_the_event_stream() -> None:
    policy = TransportPolicy(30)
    policy.refused(0)
    assert policy.transport == "websocket"
    policy.upgraded()
    policy.refused(0)
    assert policy.transport == "websocket"
    policy.refused(0)
    assert policy.transport == "sse"
    policy.upgraded()
    assert policy.transport == "websocket"


def test_the_waits_for_a_websocket_grow_and_outlast_streams() -> None:
    policy = TransportPolicy(30)
    policy.refused(100)
    for ceiling in (30, 60, 120, 240, 480, 600, 600):
        policy.refused(100)
        assert 0 <= policy.due_in(100) <= ceiling
        assert policy.due_in(100 + ceiling) == 0


def test_when_no_stream_opens_both_are_tried_in_turn() -> None:
    policy = TransportPolicy(30)
    policy.refused(0)
    policy.unreachable()
    assert policy.transport == "websocket"
    policy.refused(0)
    assert policy.transport == "sse"
    policy.unreachable()
    assert policy.transport == "websocket"
    policy.refused(0)
    assert policy.transport == "sse"
