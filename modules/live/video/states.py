"""The life of a session's video: what IVS has for the session, and what is still to be done.

A session that starts writes a row of `live_video` in the phase `making`. A gateway makes the channel, and of an
interactive session the stage too. Then the video is `up`, and its stream is watched until the session ends. With that
the row is `closing`: a gateway deletes the stage and the channel, unless the mentor keeps the channel. Of a recorded
session the row then is `developing`: IVS ends a recording some time after its stream, so a gateway looks for it in its
bucket.
At last the row is `kept`, when it holds a channel for the mentor's next session, or `gone`.

Only the end of the session interrupts this, at any time until the video is `closing`. A gateway may be making the
channel at that moment. It then finds the session over, and writes down what it has made, so that this is taken away.

Each step is written under a lock or a claim of the row, so no two gateways take one at the same time. Calls of IVS are
made before the step is written. A gateway that dies in between leaves the row in its phase, and another gateway makes
the same calls again: each of them finds by its name what is there already.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class VideoPhase(StrEnum):
    MAKING = "making"
    UP = "up"
    CLOSING = "closing"
    AWAITING_RECORDING = "developing"
    KEPT = "kept"
    GONE = "gone"


class VideoStep(StrEnum):
    """What happens to a session's video."""

    MADE = "made"
    SESSION_ENDED = "session ended"
    # The channel is not broadcasting any more, and its recording is not in the bucket yet.
    AWAIT_RECORDING = "await recording"
    # Nothing is left to do, and the row keeps its channel for the mentor's next session.
    KEEP = "keep"
    # Nothing is left to do.
    RELEASE = "release"
    # The channel that was kept belongs to another session's row now.
    TAKE_OVER = "take over"


TRANSITIONS: Final[dict[tuple[VideoPhase, VideoStep], VideoPhase]] = {
    (VideoPhase.MAKING, VideoStep.MADE): VideoPhase.UP,
    (VideoPhase.MAKING, VideoStep.SESSION_ENDED): VideoPhase.CLOSING,
    (VideoPhase.UP, VideoStep.SESSION_ENDED): VideoPhase.CLOSING,
    # The session ended while the channel was being made.
    (VideoPhase.CLOSING, VideoStep.MADE): VideoPhase.CLOSING,
    (VideoPhase.CLOSING, VideoStep.AWAIT_RECORDING): VideoPhase.AWAITING_RECORDING,
    (VideoPhase.CLOSING, VideoStep.KEEP): VideoPhase.KEPT,
    (VideoPhase.CLOSING, VideoStep.RELEASE): VideoPhase.GONE,
    (VideoPhase.AWAITING_RECORDING, VideoStep.KEEP): VideoPhase.KEPT,
    (VideoPhase.AWAITING_RECORDING, VideoStep.RELEASE): VideoPhase.GONE,
    (VideoPhase.KEPT, VideoStep.TAKE_OVER): VideoPhase.GONE,
}
# In these phases an event of IVS may mean that there is something to do.
WATCHED: Final = (VideoPhase.UP, VideoPhase.AWAITING_RECORDING)


def next_phase(phase: VideoPhase, step: VideoStep) -> VideoPhase:
    """The phase a step leads to; raises ValueError for a step that is not possible then."""
    found = TRANSITIONS.get((phase, step))
    if found is None:
        raise ValueError(f"video in the phase {phase} has no step {step}")
    return found


def phases_before(step: VideoStep) -> list[VideoPhase]:
    """The phases in which a step is possible."""
    return [phase for phase, possible in TRANSITIONS if possible is step]
