"""The settings of live, `KSMP_LIVE_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting
from modules.live.room_settings import RoomSettings


@dataclass(frozen=True, kw_only=True)
class LiveSettings(RoomSettings):
    longest: float = setting(43_200.0, doc="Longest time for which a session may be planned")
    ahead: float = setting(31_622_400.0, doc="How far ahead a session may be scheduled")
    room_kept: float = setting(3600.0, zero=True, doc="How long viewers may still enter the room of an ended session")
    attendance_interval: float = setting(
        5.0, doc="Time between two writings of who is in a session; a gateway that is killed loses at most so much"
    )
    attendance_gap: float = setting(30.0, zero=True, doc="How long somebody may be away within one visit")
    attendance_share: float = setting(0.5, doc="Share of a session for which one must be there to be present")
    attendance_late: float = setting(300.0, zero=True, doc="How long after its start one is not late yet")
    attendance_early: float = setting(300.0, zero=True, doc="How long before its end one may leave without being early")
    attendance_kept: float = setting(
        2_592_000.0, doc="How long the single stays of an ended session are kept; its report stays"
    )
    stars_open: float = setting(604_800.0, doc="How long after a session stars may be given")
    stars_editable: float = setting(86_400.0, zero=True, doc="How long stars and their comment may be changed")
    stars_least: int = setting(3, doc="From how many answers on a session's mentors see stars and comments")
    seat_grace: float = setting(
        60.0, zero=True, doc="How long a place of a full session is kept for who is not in its room"
    )
    lobby_before: float = setting(
        900.0, zero=True, doc="How long before its beginning a session's lobby opens by itself"
    )
    remind_before: tuple[str, ...] = setting(
        ("86400", "900"), doc="How long before a session its program is reminded of it, in whole seconds"
    )
    missed_after: float = setting(
        3600.0, zero=True, doc="How long after its planned end a session that nobody started is cancelled"
    )
    overrun: float = setting(14_400.0, doc="How long after its planned end a session that nobody ended is ended")
    series_most: int = setting(200, doc="Most sessions of a series")
    calendar_past: float = setting(2_592_000.0, zero=True, doc="How far back a calendar feed reaches")
    calendar_most: int = setting(1000, doc="Most sessions in a calendar feed")
    public_url: str = setting(
        "", doc="Where clients reach the gateways, `https://host`; empty means as they say in the request"
    )
