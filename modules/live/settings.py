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
