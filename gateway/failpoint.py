"""Named faults that a test may switch on; off everywhere else.

A failpoint stands where a distributed step may be lost or late. `KSMP_FAILPOINTS` lists them as
`name=0.1` (drop with that probability), `name=delay:0.2` (wait that many seconds) or, in one process,
`set(name, action)` installs a function. Where a name begins with `kill`, the process itself is lost.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from typing import Any, Final

Action = Callable[[Any], bool]

NAMES: Final = {
    "republish.drop": "a republished message is lost on its way to this node",
    "poke.drop": "a poke is lost",
    "heads.skip": "the periodic read of heads is left out",
    "direct.stale": "a batched direct get answers as a replica that has not seen the newest message",
    "ack.lost": "the acknowledgement of a stored message is lost on its way to the publisher",
    "ack.delay": "the acknowledgement of a stored message is late",
    "erase.skip": "the node stops between a tombstone and the erasure it announces",
    "open.pause": "a node takes its time between its subscription to a room and learning the room's position",
    "join.pause": "a join takes its time between reading the log and becoming a member",
    "archive.pause": "the archiver waits before each batch",
    "event.ack.lost": "the acknowledgement of a handled event or timer is lost on its way to the stream",
    "kill.written": "the process is killed with a row in the outbox that is not committed",
    "kill.taken": "the relay is killed before it publishes a batch",
    "kill.published": "the relay is killed before it remembers that a batch is published",
    "kill.marked": "the relay is killed when a batch is done",
    "kill.received": "the process is killed with an event or a timer that it has not handled",
    "kill.handled": "the process is killed after a handler, before its transaction commits",
    "kill.committed": "the process is killed before it acknowledges what it handled",
    "kill.dead_letter": "the process is killed with a dead letter stored, before it gives up the event",
    "kill.stamped": "the process is killed with the stamp of a turn-in written, and nothing else",
    "kill.verified": "the process is killed with the objects of a turn-in checked, before its attempt is written",
    "kill.turned_in": "the process is killed before the transaction of a turn-in commits",
    "kill.acknowledged": "the process is killed after a turn-in, before it is acknowledged",
    "kill.expanded": "the process is killed with a page of notifications written, before that commits",
    "kill.unannounced": "the process is killed with a page of notifications committed, before the app is told",
    "kill.claimed": "the process is killed with deliveries claimed, before they go to their channel",
    "kill.sent": "the process is killed when the channel has sent, before that is noted",
    "kill.stored": "the process is killed with a batch of analytics written, before that commits",
    "kill.stored_committed": "the process is killed with a batch of analytics committed, before it is acknowledged",
    "kill.rebuilt": "the process is killed with a day of analytics added up anew, before that commits",
    "kill.rebuilt_committed": "the process is killed between two days of analytics that it adds up anew",
    "kill.requeued": "the process is killed with a dead letter sent again, before it is taken out",
}

_actions: dict[str, Action] = {}
_delays: dict[str, float] = {}


def configure(text: str) -> None:
    """Switch on what `KSMP_FAILPOINTS` names; raises ValueError on an unknown name."""
    clear()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = part.partition("=")
        if name not in NAMES:
            raise ValueError(f"{name} is not a failpoint")
        if value.startswith("delay:"):
            _delays[name] = float(value.removeprefix("delay:"))
        else:
            set(name, _with_probability(float(value)))


def set(name: str, action: Action | None, *, delay: float | None = None) -> None:
    """Install an action for one failpoint, or remove it with None. The action says whether to drop."""
    if name not in NAMES:
        raise ValueError(f"{name} is not a failpoint")
    _actions.pop(name, None)
    _delays.pop(name, None)
    if action is not None:
        _actions[name] = action
    if delay is not None:
        _delays[name] = delay


def clear() -> None:
    _actions.clear()
    _delays.clear()


def drop(name: str, subject: Any = None) -> bool:
    """Whether the step named here is to be lost."""
    action = _actions.get(name)
    return action is not None and action(subject)


def crash(name: str) -> None:
    """Die here when the step named here is to be the last: SIGKILL, with nothing put in order."""
    if drop(name):
        os.kill(os.getpid(), signal.SIGKILL)


async def pause(name: str) -> None:
    """Wait when the step named here is to be late."""
    seconds = _delays.get(name)
    if seconds is not None:
        await asyncio.sleep(seconds)


def _with_probability(probability: float) -> Action:
    # A fault's dice need no cryptographic quality.
    return lambda _: random.random() < probability  # noqa: S311
