"""What the room refuses, besides the codes of the core and of `modules/live/errors.py`. All are 409.

live.too_many_hands       as many hands are up as may be
live.too_many_questions   the user, or the session, has as many questions as may be
live.question_closed      the question takes no upvotes, or no answer, any more
live.not_anonymous        questions of this session carry their author's name
live.too_many_polls       the session has as many polls, or open polls, as may be
live.poll_closed          the poll takes no votes any more
live.already_voted        the user has voted, and this poll lets nobody change a vote
live.is_host              the user is a host of the session, or the caller
live.no_consent           the user has not agreed to being recorded
live.not_recorded         the session is not recorded, so there is nothing to agree to
live.lobby_full           as many guests wait as may be
live.attention_off        the hosts have not turned the option on
"""

from __future__ import annotations

from gateway.errors import Conflict


def too_many_hands(most: int) -> Conflict:
    return Conflict(f"{most} hands are up already", code="live.too_many_hands")


def too_many_questions() -> Conflict:
    return Conflict("there are too many questions already", code="live.too_many_questions")


def question_closed() -> Conflict:
    return Conflict("this question is not open any more", code="live.question_closed")


def not_anonymous() -> Conflict:
    return Conflict("questions of this session are asked under one's name", code="live.not_anonymous")


def too_many_polls() -> Conflict:
    return Conflict("there are too many polls already; close one", code="live.too_many_polls")


def poll_closed() -> Conflict:
    return Conflict("this poll is closed", code="live.poll_closed")


def already_voted() -> Conflict:
    return Conflict("you have voted in this poll already", code="live.already_voted")


def is_host() -> Conflict:
    return Conflict("this is one of the session's hosts, or you", code="live.is_host")


def no_consent() -> Conflict:
    return Conflict("this user has not agreed to being recorded", code="live.no_consent")


def not_recorded() -> Conflict:
    return Conflict("this session is not recorded", code="live.not_recorded")


def lobby_full() -> Conflict:
    return Conflict("too many wait already", code="live.lobby_full")


def attention_off() -> Conflict:
    return Conflict("the hosts of this session do not ask for it", code="live.attention_off")
