"""What clients send and get about polls."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from gateway.contract import PushType
from gateway.text import LINE, LONG, TEXT, Texts
from modules.live.messages import Name


class OpenPoll(Texts, frozen=True):
    """`live.open_poll`. Options are numbered from 0.

    With `correct`, the numbers of the right options, it is a quiz. `shown` lets the room see the votes while the poll
    is open. `revote` lets voters change their vote. After `seconds` the poll closes by itself.
    """

    question: Annotated[str, LONG, TEXT]
    options: list[Annotated[str, LONG, LINE]]
    multiple: bool = False
    correct: list[int] | None = None
    anonymous: bool = False
    revote: bool = False
    shown: bool = True
    seconds: float | None = None


class Vote(msgspec.Struct, frozen=True):
    """`live.vote`: the numbers of the chosen options."""

    poll: Name
    options: list[int]


class ClosePoll(msgspec.Struct, frozen=True):
    """`live.close_poll`."""

    poll: Name


class OpenedPoll(msgspec.Struct, frozen=True):
    """The ok of `live.open_poll`: the part's revision and the poll's id."""

    rev: int
    poll: str


class Poll(msgspec.Struct, frozen=True, omit_defaults=True):
    """A poll as its reader may know it.

    The room gets `correct` when the poll is closed, and `counts` and `voters` when the votes may be seen. Hosts get all
    of them at once, in the staff room.
    """

    id: str
    question: str
    options: list[str]
    state: Literal["open", "closed"]
    opened_at: int
    multiple: bool = False
    quiz: bool = False
    anonymous: bool = False
    revote: bool = False
    shown: bool = True
    closes_at: int | None = None
    closed_at: int | None = None
    correct: list[int] | None = None
    counts: list[int] | None = None
    voters: int | None = None


class PollChanged(msgspec.Struct, frozen=True):
    """The pushes `live.poll` and `live.staff_poll`."""

    rev: int
    poll: Poll


class Tally(msgspec.Struct, frozen=True):
    """The votes of a poll so far, by option, and how many users have voted."""

    id: str
    counts: list[int]
    voters: int


class PollsCounted(msgspec.Struct, frozen=True):
    """The pushes `live.poll_tally` and `live.staff_tally`: the polls that have new votes."""

    rev: int
    polls: list[Tally]


class PollsSnapshot(msgspec.Struct, frozen=True):
    """The snapshot parts `live.polls` and, of the staff room, `live.staff_polls`: in the order of their opening."""

    rev: int
    polls: list[Poll]


class Ballot(msgspec.Struct, frozen=True, omit_defaults=True):
    """The push `live.voted` to the user's own room. That of an anonymous poll has no options: nobody keeps those."""

    rev: int
    session: str
    poll: str
    options: list[int] | None = None


class MyVotes(msgspec.Struct, frozen=True):
    """The snapshot part `live.my_votes`: the chosen options by poll, empty in an anonymous one."""

    votes: dict[str, list[int]]


class CastVote(msgspec.Struct, frozen=True):
    """What a user chose, as hosts may see it."""

    voter: str
    options: list[int]

    @classmethod
    def example(cls) -> CastVote:
        return cls("asha", [1])


class PollDue(msgspec.Struct, frozen=True):
    """What the timer of a poll carries."""

    session: str
    poll: str


POLL: Final = PushType("live.poll", PollChanged)
STAFF_POLL: Final = PushType("live.staff_poll", PollChanged)
POLL_TALLY: Final = PushType("live.poll_tally", PollsCounted)
STAFF_TALLY: Final = PushType("live.staff_tally", PollsCounted)
VOTED: Final = PushType("live.voted", Ballot)
