"""Pictures of profiles: an upload of one's own becomes a square one, at an address that every user may open.

The address names the file, so another picture has another address, and a page may keep what it has loaded. The image
itself, with all that a camera wrote into it, stays its owner's.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Final

import msgspec

from gateway.contract import Kernel
from gateway.errors import Unavailable, forbidden, not_found
from gateway.principal import Principal
from modules.accounts.facade import change_avatar
from modules.files.facade import Allowance, FileFacts, FileState, Purpose, of
from modules.files.records import RENDITION_TYPES, SQUARE
from modules.files.repository import FileRepository
from modules.files.settings import FilesSettings
from modules.files.storage.s3 import Bucket

FileId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]

AVATAR: Final = "files.avatar"
TYPES: Final = ("image/png", "image/jpeg", "image/webp", "image/heic")
PATH: Final = "/api/v1/files/avatars/"


class NewAvatar(msgspec.Struct, frozen=True):
    """An upload of your own for `files.avatar`, with your id as its target."""

    file_id: FileId

    @classmethod
    def example(cls) -> NewAvatar:
        return cls("01a2130d-48bf-7174-b972-596a06fb2350")


class Avatar(msgspec.Struct, frozen=True):
    """What your profile says now. The picture is at its address as soon as the image was checked."""

    avatar_url: str

    @classmethod
    def example(cls) -> Avatar:
        return cls(f"{PATH}01a2130d-48bf-7174-b972-596a06fb2350")


class Avatars:
    """The purpose `files.avatar`. Each call raises Unavailable."""

    def __init__(self, kernel: Kernel, settings: FilesSettings, bucket: Bucket, files: FileRepository) -> None:
        self._kernel = kernel
        self._settings = settings
        self._bucket = bucket
        self._files = files
        self.contributions = (Purpose(name=AVATAR, admit=self.admit, may_read=self.may_read),)

    async def admit(self, principal: Principal, user_id: str) -> Allowance:
        """Raises Refused `forbidden` for another user's."""
        if user_id != principal.id:
            raise forbidden("the target of a picture for a profile is its owner's id")
        return Allowance(TYPES, self._settings.avatar_bytes)

    async def may_read(self, principal: Principal, file: FileFacts) -> bool:
        return principal.id == file.owner_id

    async def choose(self, principal: Principal, file_id: str) -> Avatar:
        """Have the profile show this file, in place of another one. Raises what `Files.attach` raises."""
        url = f"{PATH}{file_id}"
        async with self._kernel.database.transaction():
            holder = holder_of(principal.id)
            await of(self._kernel).attach(holder, [file_id], purpose=AVATAR, owner_id=principal.id, field="file_id")
            await change_avatar(self._kernel.database, principal.id, url)
        await self._renew(principal.id)
        return Avatar(url)

    async def remove(self, principal: Principal) -> None:
        """Have the profile show none. Without one it changes nothing."""
        async with self._kernel.database.transaction():
            await self.release(principal.id)
            await change_avatar(self._kernel.database, principal.id, None, only=f"{PATH}%")
        await self._renew(principal.id)

    async def release(self, user_id: str) -> None:
        """The user's profile shows no file any more; inside a transaction."""
        await of(self._kernel).detach([holder_of(user_id)])

    async def address(self, file_id: str) -> str:
        """Where the picture is for some minutes. Raises BadInput `not_found` for one that no profile shows."""
        file = await self._files.find(file_id)
        facts = (await of(self._kernel).facts([file_id])).get(file_id)
        shows = file is not None and facts is not None and holder_of(file.owner_id) in facts.holders
        if file is None or not shows or file.state is not FileState.CLEAN or SQUARE not in file.renditions:
            raise not_found("there is no such picture")
        seconds = int(self._settings.url_life)
        return await self._bucket.url(file.rendition_key(SQUARE), "inline", RENDITION_TYPES[SQUARE], seconds)

    async def _renew(self, user_id: str) -> None:
        """Have every node ask anew who the user is, as after each change of a profile."""
        with contextlib.suppress(Unavailable):
            await self._kernel.identities.renew(user_id)


def holder_of(user_id: str) -> str:
    """What holds the picture of a user's profile."""
    return f"{AVATAR}:{user_id}"
