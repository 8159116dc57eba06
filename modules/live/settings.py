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
