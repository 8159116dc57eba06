"""Preferences: what a user hears of, by which channel and when; and the rooms that they mute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, time

import msgspec
from msgspec import UNSET

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import invalid
from gateway.http.etag import IfMatch
from gateway.protocol.names import room_name
from modules.accounts.facade import user_room
from modules.notify import errors
from modules.notify.facade import IN_APP, Kind, Muting
from modules.notify.kinds import Kinds
from modules.notify.preferences.choices import Chosen, chosen_by_user, is_wanted
from modules.notify.preferences.messages import (
    PREFERENCES,
    CategoryChoices,
    Choice,
    KindChoices,
    Mute,
    NewChoice,
    NewMute,
    Preferences,
    PreferencesChange,
    Quiet,
)
from modules.notify.preferences.quiet_hours import QUIET_HOURS
from modules.notify.preferences.readers import Readers
from modules.notify.preferences.repository import PreferenceRepository, ReaderRow


class PreferenceService(Muting):
    """Each call raises Unavailable without PostgreSQL."""

    pushes = (PREFERENCES,)

    def __init__(self, kernel: Kernel, kinds: Kinds, readers: Readers, *, most_mutes: int) -> None:
        self._kernel = kernel
        self._kinds = kinds
        self._readers = readers
        self._most_mutes = most_mutes
        self._rows = PreferenceRepository(kernel.database)
        self.contributions = (self,)

    async def read(self, user_id: str) -> Preferences:
        rows = await self._rows.readers([user_id])
        return await self._shown(rows.get(user_id, ReaderRow(user_id)))

    async def change(self, user_id: str, change: PreferencesChange, if_match: IfMatch) -> Preferences:
        """Raises BadInput `invalid` or `precondition_failed`."""
        for choice in change.choices:
            self._check(choice)
        async with self._kernel.database.transaction():
            row = await self._rows.lock(user_id)
            if_match.check(row.rev)
            if change.language is not UNSET:
                row = msgspec.structs.replace(row, language=_without_line_feed(change.language))
            if change.quiet is not UNSET:
                start, end = _quiet(change.quiet)
                # What waits for the end of the former hours is decided anew.
                await self._rows.release(user_id, QUIET_HOURS)
                row = msgspec.structs.replace(row, quiet_from=start, quiet_until=end)
            for choice in change.choices:
                await self._rows.choose(user_id, choice.name, choice.channel, choice.wanted)
            return await self._write(row)

    async def turn_off(self, user_id: str, name: str, channel: str) -> None:
        """The user wants a category or a kind no more on this channel, as by a link in a mail.

        What they chose for single kinds of the category is taken back: it would count for more.
        """
        async with self._kernel.database.transaction():
            row = await self._rows.lock(user_id)
            for kind in self._kinds.kinds.values():
                if kind.preference == name != kind.name:
                    await self._rows.choose(user_id, kind.name, channel, None)
            await self._rows.choose(user_id, name, channel, False)
            await self._write(row)

    async def mute(self, user_id: str, room: str, new: NewMute) -> Mute:
        """Raises BadInput `invalid` and Conflict `notify.too_many_mutes`."""
        room = str(room_name(room))
        now = clock.now()
        if new.until is not None and new.until <= now:
            raise invalid("this time has passed", field="until")
        mute = Mute(room, None if new.until is None else new.until.astimezone(UTC))
        async with self._kernel.database.transaction():
            row = await self._rows.lock(user_id)
            muted = {one.room for one in await self._rows.mutes([user_id], now)}
            if room not in muted and len(muted) >= self._most_mutes:
                raise errors.too_many_mutes(self._most_mutes)
            await self._rows.mute(user_id, room, mute.until)
            await self._write(row)
        return mute

    async def unmute(self, user_id: str, room: str) -> None:
        """A room that is not muted is no error; raises BadInput `invalid`."""
        room = str(room_name(room))
        async with self._kernel.database.transaction():
            row = await self._rows.lock(user_id)
            await self._rows.unmute(user_id, room, clock.now())
            await self._write(row)

    async def muted_rooms(self, user_id: str) -> Collection[str]:
        return {one.room for one in await self._rows.mutes([user_id], clock.now())}

    async def listed(self, kind: Kind, user_ids: Collection[str]) -> Collection[str]:
        """Those of these users who want the kind in the list of the app."""
        rows = await self._rows.choices(user_ids, channel=IN_APP, names=[kind.name, kind.preference])
        chosen = chosen_by_user(rows)
        return [user for user in user_ids if is_wanted(kind, IN_APP, chosen.get(user, {}))]

    async def _write(self, row: ReaderRow) -> Preferences:
        """Write a row that is locked, and push what holds now to the user's devices."""
        row = msgspec.structs.replace(row, rev=row.rev + 1)
        await self._rows.write(row)
        shown = await self._shown(row)
        await self._kernel.rooms.publish_row(user_room(row.user_id), PREFERENCES, shown)
        return shown

    async def _shown(self, row: ReaderRow) -> Preferences:
        user = row.user_id
        readers = await self._readers.load([user])
        mutes = await self._rows.mutes([user], clock.now())
        chosen: dict[str, dict[str, bool]] = defaultdict(dict)
        for choice in await self._rows.choices([user]):
            chosen[choice.channel][choice.name] = choice.wanted
        return Preferences(
            language=row.language,
            time_zone=readers[user].time_zone,
            quiet=_shown_quiet(row),
            mutes=[Mute(one.room, one.until) for one in mutes],
            categories=[_category(name, kinds, chosen) for name, kinds in sorted(self._categories().items())],
            rev=row.rev,
        )

    def _categories(self) -> Mapping[str, list[Kind]]:
        categories: dict[str, list[Kind]] = defaultdict(list)
        for _, kind in sorted(self._kinds.kinds.items()):
            categories[kind.preference].append(kind)
        return categories

    def _check(self, choice: NewChoice) -> None:
        """Raises BadInput `invalid` for what nobody can choose."""
        kinds = [kind for kind in self._kinds.kinds.values() if choice.name in (kind.name, kind.preference)]
        if not kinds:
            raise invalid("there is no such category or kind", field="choices")
        if not any(choice.channel in kind.channels for kind in kinds):
            raise invalid(f"{choice.name} does not come by {choice.channel}", field="choices")
        if all(kind.receipt for kind in kinds) and choice.wanted is False:
            raise invalid(f"{choice.name} is a receipt, which always comes", field="choices")


def _category(name: str, kinds: list[Kind], chosen: Mapping[str, Chosen]) -> CategoryChoices:
    channels = dict.fromkeys(channel for kind in kinds for channel in kind.channels)
    return CategoryChoices(
        name=name,
        choices=[_choice(name, [kind for kind in kinds if at in kind.channels], at, chosen) for at in channels],
        kinds=[
            KindChoices(kind.name, [_choice(kind.name, [kind], channel, chosen) for channel in kind.channels])
            for kind in kinds
        ],
    )


def _choice(name: str, kinds: list[Kind], channel: str, chosen: Mapping[str, Chosen]) -> Choice:
    """What holds for a category or a kind. A category without one: whether any of its kinds comes."""
    here = chosen.get(channel, {})
    fixed = all(kind.receipt for kind in kinds)
    return Choice(
        channel=channel,
        wanted=here[name] if name in here and not fixed else any(is_wanted(kind, channel, here) for kind in kinds),
        chosen=name in here,
        fixed=fixed,
    )


def _quiet(quiet: Quiet | None) -> tuple[time | None, time | None]:
    if quiet is None:
        return None, None
    start, end = (time.fromisoformat(text.strip()) for text in (quiet.start, quiet.end))
    if start == end:
        raise invalid("quiet hours must not end when they begin", field="quiet")
    return start, end


def _shown_quiet(row: ReaderRow) -> Quiet | None:
    if row.quiet_from is None or row.quiet_until is None:
        return None
    return Quiet(f"{row.quiet_from:%H:%M}", f"{row.quiet_until:%H:%M}")


def _without_line_feed(language: str | None) -> str | None:
    if language is not None and "\n" in language:
        # The `$` of a pattern lets one pass at the end.
        raise invalid("a line feed is in no language tag", field="language")
    return language
