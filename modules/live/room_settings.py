"""Those of live's settings that are about what happens in a session's room."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class RoomSettings:
    snapshot_rate_count: int = setting(20, doc="Snapshots of a room one connection may take at once")
    snapshot_rate_seconds: float = setting(20.0, doc="Time in which as many may be taken again")

    hands: int = setting(200, doc="Hands that may be up in a session at once")
    hand_kept: float = setting(
        60.0,
        zero=True,
        doc="How long the hand of who has left stays up; at least two `KSMP_LIVE_ATTENDANCE_INTERVAL`",
    )
    hand_rate_count: int = setting(6, doc="Times one connection may raise or lower a hand at once")
    hand_rate_seconds: float = setting(30.0, doc="Time in which as many may be raised or lowered again")

    question_characters: int = setting(500, doc="Longest question of a session, in characters")
    answer_characters: int = setting(2000, doc="Longest written answer to a question, in characters")
    questions_per_user: int = setting(5, doc="Questions of one user that may be open in a session at once")
    questions: int = setting(500, doc="Questions a session may have that were not dismissed")
    questions_ever: int = setting(2000, doc="Questions a session may have, dismissed ones included")
    ask_rate_count: int = setting(5, doc="Questions one connection may ask at once")
    ask_rate_seconds: float = setting(60.0, doc="Time in which as many may be asked again")
    anonymous_questions: bool = setting(
        True, doc="Whether questions may be asked anonymously in sessions whose hosts say nothing of it"
    )
    askers_shown: bool = setting(True, doc="Whether hosts see who asked an anonymous question")

    polls: int = setting(50, doc="Polls a session may have")
    polls_open: int = setting(3, doc="Polls of a session that may be open at once")
    poll_characters: int = setting(300, doc="Longest question of a poll, in characters")
    poll_options: int = setting(10, doc="Most options of a poll")
    option_characters: int = setting(120, doc="Longest option of a poll, in characters")
    poll_longest: float = setting(86_400.0, doc="Longest time after which a poll may close by itself")
    vote_rate_count: int = setting(20, doc="Votes and upvotes of one connection at once")
    vote_rate_seconds: float = setting(10.0, doc="Time in which as many may be cast again")
    tally_interval: float = setting(0.5, doc="Shortest time between two tallies of votes in a session, on all gateways")

    kick_seconds: float = setting(600.0, doc="How long who was kicked out of a session is kept out")
    ban_longest: float = setting(31_622_400.0, doc="Longest time after which a ban may end by itself")
    reason_characters: int = setting(500, doc="Longest reason of a kick or ban, in characters")
    lobby_places: int = setting(500, doc="Viewers who may wait to be admitted to a session")
    away_rate_count: int = setting(10, doc="Times one connection may say at once that its page is hidden or seen")
    away_rate_seconds: float = setting(20.0, doc="Time in which as many may be said again")

    reactions: tuple[str, ...] = setting(("👍", "👏", "❤️", "😂", "😮", "🎉"), doc="What may be reacted with")
    reaction_interval: float = setting(1.0, doc="Time over which a gateway adds up the reactions of a session")
    reaction_rate_count: int = setting(10, doc="Reactions of one connection at once")
    reaction_rate_seconds: float = setting(5.0, doc="Time in which as many may be sent again")
