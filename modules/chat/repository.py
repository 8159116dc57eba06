"""The rows of chat: every statement, and what it gives. Those of reactions and reports have a file each.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.protocol.messages import Seq
from modules.chat.messages import Attachments, Links, Mode
from modules.chat.pushes import ChatRules, MuteState

# A room's row is made when it is first locked.
LOCK_SETTINGS: Final = """
    INSERT INTO chat_room (room) VALUES ($1) ON CONFLICT (room) DO UPDATE SET room = $1
    RETURNING mode, slow_seconds, links, rev, attachments
"""
SETTINGS_OF_ROOM: Final = "SELECT mode, slow_seconds, links, rev, attachments FROM chat_room WHERE room = $1"
WRITE_SETTINGS: Final = """
    UPDATE chat_room SET mode = $2, slow_seconds = $3, links = $4, rev = $5, attachments = $6 WHERE room = $1
"""


class SettingsRepository:
    """How the chat of each room is run. `first` has the settings of rooms in which nobody has changed any, by kind."""

    def __init__(self, database: Database, first: Mapping[str, ChatRules]) -> None:
        self._database = database
        self._first = first

    def first(self, room: str) -> ChatRules:
        """The room's settings before anybody changes them."""
        return self._first[room.partition(":")[0]]

    async def find(self, room: str) -> ChatRules:
        """The room's settings, or the first ones when nobody has changed any."""
        for row in await self._database.fetch(SETTINGS_OF_ROOM, room):
            return self._settings(room, row)
        return self.first(room)

    async def lock(self, room: str) -> ChatRules:
        """The same. Nobody else changes them until the transaction ends."""
        (row,) = await self._database.fetch(LOCK_SETTINGS, room)
        return self._settings(room, row)

    async def write(self, room: str, settings: ChatRules) -> None:
        """Replace settings that are locked."""
        await self._database.fetch(
            WRITE_SETTINGS,
            room,
            settings.mode.value,
            settings.slow_seconds,
            settings.links.value,
            settings.rev,
            settings.attachments.value,
        )

    def _settings(self, room: str, row: Mapping[str, Any]) -> ChatRules:
        # The row may have been made for a pin.
        if not row["rev"]:
            return self.first(room)
        attachments = Attachments(row["attachments"])
        return ChatRules(Mode(row["mode"]), row["slow_seconds"], Links(row["links"]), row["rev"], attachments)


# Of two that come at once the second waits for the first one's row, and then finds that it has to wait.
TAKE_WAIT: Final = """
    INSERT INTO chat_wait AS wait (room, user_id, until)
    VALUES ($1, $2, clock_timestamp() + $3::integer * interval '1 second')
    ON CONFLICT (room, user_id) DO UPDATE SET until = EXCLUDED.until WHERE wait.until <= clock_timestamp()
    RETURNING until
"""
GIVE_BACK_WAIT: Final = "DELETE FROM chat_wait WHERE room = $1 AND user_id = $2 AND until = $3"
LOCK_WAIT: Final = "SELECT FROM chat_wait WHERE room = $1 AND user_id = $2 AND until = $3 FOR UPDATE"
WAIT_LEFT: Final = """
    SELECT extract(epoch FROM until - clock_timestamp())::float8 AS seconds FROM chat_wait
    WHERE room = $1 AND user_id = $2
"""
DELETE_WAITS: Final = "DELETE FROM chat_wait WHERE room = $1 RETURNING user_id AS user, until"


class Wait(msgspec.Struct, frozen=True):
    """Until when a user waits in slow mode."""

    user: str
    until: datetime


class WaitRepository:
    """Who waits in slow mode."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, room: str, user: str, seconds: int) -> datetime | None:
        """Let the user wait so long from now, and say until when; None when they wait already."""
        for row in await self._database.fetch(TAKE_WAIT, room, user, seconds):
            return msgspec.convert(row["until"], datetime)
        return None

    async def left(self, room: str, user: str) -> float:
        """How many seconds the user still has to wait."""
        for row in await self._database.fetch(WAIT_LEFT, room, user):
            return float(row["seconds"])
        return 0.0

    async def give_back(self, room: str, user: str, until: datetime) -> None:
        """End the wait that was taken until then."""
        await self._database.fetch(GIVE_BACK_WAIT, room, user, until)

    async def lock(self, room: str, user: str, until: datetime) -> bool:
        """Whether the user still waits until then; nobody ends that before the transaction does."""
        return bool(await self._database.fetch(LOCK_WAIT, room, user, until))

    async def delete_all(self, room: str) -> list[Wait]:
        """Delete the waits of a room, also those that are over; gives what was deleted."""
        return [Wait(row["user"], row["until"]) for row in await self._database.fetch(DELETE_WAITS, room)]


LOCK_MESSAGES: Final = "SELECT pg_advisory_xact_lock(hashtext('chat'), hashtext($1))"
DELETE_ATTACHED: Final = (
    "DELETE FROM chat_reaction WHERE room = $1 AND seq BETWEEN $2 AND $3",
    "DELETE FROM chat_tally WHERE room = $1 AND seq BETWEEN $2 AND $3",
)


class MessageRepository:
    """What rows know of messages, which live in the room's log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, room: str) -> None:
        """Nobody else edits, deletes or clears in this room until the transaction ends."""
        await self._database.fetch(LOCK_MESSAGES, room)

    async def delete_attached(self, room: str, first: int, last: int) -> None:
        """Delete the reactions to the messages from `first` to `last`; clients drop them with the messages."""
        for statement in DELETE_ATTACHED:
            await self._database.fetch(statement, room, first, last)


LOCK_PINS: Final = """
    INSERT INTO chat_room (room) VALUES ($1) ON CONFLICT (room) DO UPDATE SET room = $1
    RETURNING pins, pins_rev
"""
PINS_OF_ROOM: Final = "SELECT pins, pins_rev FROM chat_room WHERE room = $1"
WRITE_PINS: Final = "UPDATE chat_room SET pins = $2, pins_rev = $3 WHERE room = $1"


class Pin(msgspec.Struct, frozen=True):
    """`at` in milliseconds since the Unix epoch."""

    seq: Seq
    by: str
    at: int


class PinList(msgspec.Struct, frozen=True):
    """What is pinned in a room, one entity: in the order of pinning."""

    pins: list[Pin]
    rev: int


PINS: Final = msgspec.json.Decoder(list[Pin])


class PinRepository:
    """The pins of each room."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, room: str) -> PinList:
        for row in await self._database.fetch(PINS_OF_ROOM, room):
            return PinList(PINS.decode(row["pins"]), row["pins_rev"])
        return PinList([], 0)

    async def lock(self, room: str) -> PinList:
        """The same. Nobody else changes them until the transaction ends."""
        (row,) = await self._database.fetch(LOCK_PINS, room)
        return PinList(PINS.decode(row["pins"]), row["pins_rev"])

    async def write(self, room: str, pins: PinList) -> None:
        """Replace pins that are locked."""
        await self._database.fetch(WRITE_PINS, room, msgspec.json.encode(pins.pins).decode(), pins.rev)


LOCK_MUTE: Final = """
    SELECT user_id AS user, muted, until, reason, by, at, rev, room FROM chat_mute WHERE room = $1 AND user_id = $2
    FOR UPDATE
"""
IS_MUTED: Final = """
    SELECT FROM chat_mute WHERE room = $1 AND user_id = $2 AND muted AND (until IS NULL OR until > now())
"""
WRITE_MUTE: Final = """
    INSERT INTO chat_mute (room, user_id, muted, until, reason, by, at, rev)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
    ON CONFLICT (room, user_id)
    DO UPDATE SET muted = $3, until = $4, reason = $5, by = $6, at = $7, rev = chat_mute.rev + 1
    RETURNING user_id AS user, muted, until, reason, by, at, rev, room
"""
MUTES_IN_FORCE: Final = """
    SELECT user_id AS user, muted, until, reason, by, at, rev, room FROM chat_mute
    WHERE room = $1 AND muted AND (until IS NULL OR until > now()) ORDER BY at, user_id
"""


class MuteRepository:
    """The last mute of each user in a room."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, room: str, user: str) -> MuteState | None:
        """The user's last mute, lifted or not, locked until the transaction ends; None when there was none."""
        for row in await self._database.fetch(LOCK_MUTE, room, user):
            return msgspec.convert(dict(row), MuteState)
        return None

    async def write(
        self, room: str, user: str, *, muted: bool, until: datetime | None, reason: str, by: str, at: datetime
    ) -> MuteState:
        """Write the user's mute, or that it is lifted; gives it with its new revision."""
        (row,) = await self._database.fetch(WRITE_MUTE, room, user, muted, until, reason, by, at)
        return msgspec.convert(dict(row), MuteState)

    async def holds(self, room: str, user: str) -> bool:
        """Whether the user is muted now."""
        return bool(await self._database.fetch(IS_MUTED, room, user))

    async def in_force(self, room: str) -> tuple[MuteState, ...]:
        """The mutes that hold now, the oldest first."""
        return tuple(msgspec.convert(dict(row), MuteState) for row in await self._database.fetch(MUTES_IN_FORCE, room))


HELD: Final = {
    "mutes": "SELECT room, muted, until, reason, at FROM chat_mute WHERE user_id = $1 ORDER BY at, room",
    "reports": "SELECT room, seq, reason, status, created_at FROM chat_report WHERE reporter_id = $1 ORDER BY id",
    "attachments": """
        SELECT room, seq, sent_at FROM chat_attachment WHERE author_id = $1 AND gone_at IS NULL
        ORDER BY sent_at, message_id
    """,
    "reactions": "SELECT room, seq, emoji FROM chat_reaction WHERE user_id = $1 ORDER BY room, seq, emoji",
}
# The ids stay, in reports too: a decision was about somebody.
FORGET: Final = (
    "DELETE FROM chat_reaction WHERE user_id = $1",
    "DELETE FROM chat_wait WHERE user_id = $1",
    "DELETE FROM chat_mute WHERE user_id = $1",
    "UPDATE chat_report SET text = '' WHERE author_id = $1 AND text <> ''",
    "UPDATE chat_report SET reason = '' WHERE reporter_id = $1 AND reason <> ''",
)


class PersonalDataRepository:
    """What chat's tables hold on a user. What they said is in the archive, which is the kernel's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def export(self, user: str) -> Mapping[str, Any]:
        """By kind; a kind of which there is nothing is left out."""
        found = {name: [dict(row) for row in await self._database.fetch(query, user)] for name, query in HELD.items()}
        return {name: rows for name, rows in found.items() if rows}

    async def forget(self, user: str) -> None:
        """In the caller's transaction; again, it changes nothing."""
        for statement in FORGET:
            await self._database.fetch(statement, user)
