"""The settings of live, `KSMP_LIVE_*`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.settings import Settings, replace, setting

# The bucket for recordings that the stand-in for AWS has from the start.
STAND_IN = "ksmp-recordings"


@dataclass(frozen=True, kw_only=True)
class RoomSettings:
    """What happens in a session's room."""

    snapshot_rate_count: int = setting(20, doc="Snapshots that a user may take of a room at once")
    snapshot_rate_seconds: float = setting(20.0, doc="Time in which as many may be taken again")

    hands: int = setting(200, doc="Most hands that may be up in a session at once")
    hand_kept: float = setting(
        60.0,
        zero=True,
        doc="How long the hand of a user who left stays up; at least two `KSMP_LIVE_ATTENDANCE_INTERVAL`",
    )
    hand_rate_count: int = setting(6, doc="How often a user may raise or lower a hand at once")
    hand_rate_seconds: float = setting(30.0, doc="Time in which it may do so as often again")

    question_characters: int = setting(500, doc="Longest question of a session, in characters")
    answer_characters: int = setting(2000, doc="Longest written answer to a question, in characters")
    questions_per_user: int = setting(5, doc="Most open questions of one user in a session")
    questions: int = setting(500, doc="Most questions of a session, without dismissed ones")
    questions_ever: int = setting(2000, doc="Most questions of a session, with dismissed ones")
    ask_rate_count: int = setting(5, doc="Questions that a user may ask at once")
    ask_rate_seconds: float = setting(60.0, doc="Time in which as many may be asked again")
    anonymous_questions: bool = setting(
        True, doc="Whether questions may be asked anonymously in sessions whose hosts have not chosen"
    )
    askers_shown: bool = setting(True, doc="Whether hosts see who asked an anonymous question")

    polls: int = setting(50, doc="Most polls of a session")
    polls_open: int = setting(3, doc="Most polls of a session that are open at once")
    poll_characters: int = setting(300, doc="Longest question of a poll, in characters")
    poll_options: int = setting(10, doc="Most options of a poll")
    option_characters: int = setting(120, doc="Longest option of a poll, in characters")
    poll_longest: float = setting(86_400.0, doc="Longest time after which a poll may close by itself")
    vote_rate_count: int = setting(20, doc="Votes and upvotes of a user at once")
    vote_rate_seconds: float = setting(10.0, doc="Time in which as many may be cast again")
    tally_interval: float = setting(
        0.5, doc="Shortest time between two counts of votes in a session, over all gateways"
    )

    kick_seconds: float = setting(600.0, doc="How long a kicked user is kept out of a session")
    ban_longest: float = setting(31_622_400.0, doc="Longest time of a ban that ends by itself")
    reason_characters: int = setting(500, doc="Longest reason of a kick or ban, in characters")
    lobby_places: int = setting(500, doc="Most viewers who wait in a session's lobby")
    away_rate_count: int = setting(10, doc="Times a user may say that a page of theirs is hidden or seen, at once")
    away_rate_seconds: float = setting(20.0, doc="Time in which it may say so as often again")

    reactions: tuple[str, ...] = setting(("👍", "👏", "❤️", "😂", "😮", "🎉"), doc="Reactions that may be sent")
    reaction_interval: float = setting(1.0, doc="Time between two pushes of a session's reactions by one gateway")
    reaction_rate_count: int = setting(10, doc="Reactions of a user at once")
    reaction_rate_seconds: float = setting(5.0, doc="Time in which as many may be sent again")


@dataclass(frozen=True, kw_only=True)
class LiveSettings(RoomSettings):
    longest: float = setting(43_200.0, doc="Longest planned time of a session")
    ahead: float = setting(31_622_400.0, doc="How far ahead a session may be scheduled")
    mentor_names: Literal["refuse", "allow"] = setting(
        "refuse", doc="What happens to a user who joins a session under a name that looks like one of its mentors'"
    )
    mentor_names_fresh: float = setting(30.0, doc="How long a gateway uses the names of mentors before it asks again")
    room_kept: float = setting(3600.0, zero=True, doc="How long viewers may still enter the room of an ended session")
    attendance_interval: float = setting(
        5.0, doc="Time between two writings of attendance; a gateway that is killed loses at most this much"
    )
    attendance_gap: float = setting(30.0, zero=True, doc="How long a user may be away within one visit")
    attendance_share: float = setting(0.5, doc="Share of a session that makes a user count as present")
    attendance_late: float = setting(300.0, zero=True, doc="How long after the start a user is not late yet")
    attendance_early: float = setting(
        300.0, zero=True, doc="How long before the end a user may leave without counting as early"
    )
    attendance_kept: float = setting(
        2_592_000.0, doc="How long the single presence intervals of an ended session are kept; its report stays"
    )
    stars_open: float = setting(604_800.0, doc="How long after a session stars may be given")
    stars_editable: float = setting(86_400.0, zero=True, doc="How long stars and their comment may be changed")
    stars_least: int = setting(3, doc="How many must have given stars before mentors see the spread and the comments")
    seat_grace: float = setting(
        60.0,
        zero=True,
        doc="How long a seat is kept after its user was last seen; "
        "at least `KSMP_GRANT_FRESH` and two `KSMP_LIVE_ATTENDANCE_INTERVAL`",
    )
    full_pause: float = setting(
        0.5, zero=True, doc="How long a gateway does not look again for a seat in a session that was full"
    )
    lobby_before: float = setting(900.0, zero=True, doc="How long before its beginning a session's lobby opens")
    remind_before: tuple[str, ...] = setting(
        ("86400", "900"), doc="How long before a session its program is reminded, in whole seconds"
    )
    missed_after: float = setting(
        3600.0, zero=True, doc="How long after its planned end a session that nobody started is cancelled"
    )
    overrun: float = setting(14_400.0, doc="How long after its planned end a session that nobody ended is ended")
    series_most: int = setting(200, doc="Most sessions of a series")
    calendar_past: float = setting(2_592_000.0, zero=True, doc="How far back a calendar feed reaches")
    calendar_most: int = setting(1000, doc="Most sessions in a calendar feed")
    public_url: str = setting(
        "",
        doc="Where clients reach the gateways, `https://host`; in development empty means the host of the request",
        https=True,
        production=True,
    )

    video: Literal["auto", "off", "ivs"] = setting(
        "auto", doc="Where the video comes from; `auto` is `ivs` where `KSMP_AWS_ENDPOINT` is set, and else `off`"
    )
    channels: Literal["session", "mentor"] = setting(
        "session", doc="Whether each session has a channel of its own, or a mentor keeps one from session to session"
    )
    playback_key: str = setting(
        "", doc="Private key that signs playback tokens, P-384 in PEM; `ksmp dev` has one of its own", secret=True
    )
    playback_life: float = setting(600.0, doc="How long a playback token is valid")
    playback_origins: tuple[str, ...] = setting((), doc="Origins whose pages may play; empty means any")
    stage_life: float = setting(43_200.0, doc="How long a stage token lets a participant in; at most 14 days")
    stage_viewers: bool = setting(
        False, doc="Whether viewers get stage tokens too, to watch without the delay of the channel"
    )
    stage_rate_count: int = setting(10, doc="Stage tokens that a user may ask for at once")
    stage_rate_seconds: float = setting(60.0, doc="Time in which as many may be asked for again")
    video_timeout: float = setting(5.0, doc="How long a call to IVS may take")
    video_failures: int = setting(5, doc="Failed calls to IVS in a row after which the gateway pauses")
    video_pause: float = setting(10.0, doc="How long the gateway then makes no call to IVS")
    video_interval: float = setting(1.0, doc="Time between two looks for work on videos")
    video_workers: int = setting(4, doc="Videos that a gateway works on at once")
    video_claim: float = setting(60.0, doc="How long a gateway's claim on a session's video lasts")
    video_backoff: float = setting(
        1.0, doc="Wait after the first failed try to make or delete a channel; it doubles each time"
    )
    video_backoff_most: float = setting(60.0, doc="Longest wait between two such tries")
    video_reconcile: float = setting(15.0, doc="Time between two looks at a stream without an event")
    events_queue: str = setting("ksmp-ivs-events", doc="Queue of SQS to which EventBridge sends the events of IVS")
    lost_warning: float = setting(300.0, doc="How long a stream may be gone before its mentors are warned")
    lost_end: float = setting(1800.0, doc="How long a stream may be gone before its session is ended")
    recording_bucket: str = setting(
        "auto",
        doc="Bucket of S3 to which sessions are recorded; empty means that none is, and `auto` is that of the stand-in "
        "for AWS, `ksmp-recordings`, where `KSMP_AWS_ENDPOINT` is set, and else none",
    )
    recording_thumbnails: float = setting(60.0, doc="Time between two thumbnails of a recording")
    recording_window: float = setting(
        300.0, zero=True, doc="How long a stream may be gone and still continue the same recording"
    )
    recording_wait: float = setting(3600.0, doc="How long after a session its recording is looked for")
    recording_life: float = setting(
        21_600.0,
        doc="How long one URL lets a recording be watched, at most a week; longer than a class with pauses",
    )
    recording_playlist_bytes: int = setting(1_048_576, doc="Largest playlist of a recording, as it is in the bucket")
    recording_signer: str = setting(
        "",
        doc="Access key, `id:secret`, that signs the URLs of objects; empty means the gateway's own",
        secret=True,
    )
    recording_kept: float = setting(7_776_000.0, zero=True, doc="How long recordings are kept; 0 means for ever")
    recording_page: int = setting(1000, doc="Objects deleted in one call, at most 1000")
    recording_interval: float = setting(60.0, doc="Time between two looks for recordings to delete")


def with_bucket(settings: LiveSettings, core: Settings) -> LiveSettings:
    """The settings with the bucket that `auto` stands for."""
    if settings.recording_bucket != "auto":
        return settings
    return replace(settings, recording_bucket=STAND_IN if core.aws_endpoint else "")
