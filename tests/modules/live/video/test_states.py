"""The table of a video's phases: every phase can be reached, every video comes to an end, and no step is invented."""

from __future__ import annotations

import pytest

from modules.live.video.states import TRANSITIONS, WATCHED, VideoPhase, VideoStep, next_phase, phases_before


def test_every_phase_is_reached_and_leads_to_the_end() -> None:
    reached = {VideoPhase.MAKING}
    while more := {after for (phase, _), after in TRANSITIONS.items() if phase in reached} - reached:
        reached |= more
    assert reached == set(VideoPhase)
    ending = {VideoPhase.GONE}
    while more := {phase for (phase, _), after in TRANSITIONS.items() if after in ending} - ending:
        ending |= more
    assert ending == set(VideoPhase)
    assert not [step for phase, step in TRANSITIONS if phase is VideoPhase.GONE]


def test_steps_that_the_table_has_and_others() -> None:
    for (phase, step), after in TRANSITIONS.items():
        assert next_phase(phase, step) is after
        assert phase in phases_before(step)
    assert phases_before(VideoStep.SESSION_ENDED) == [VideoPhase.MAKING, VideoPhase.UP]
    with pytest.raises(ValueError, match="gone has no step made"):
        next_phase(VideoPhase.GONE, VideoStep.MADE)


def test_a_session_that_ends_interrupts_what_is_watched() -> None:
    assert VideoPhase.UP in WATCHED
    assert next_phase(VideoPhase.UP, VideoStep.SESSION_ENDED) is VideoPhase.CLOSING
