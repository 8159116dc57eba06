"""Playback of recordings from a private bucket, which nobody but the gateways may read.

A player opens one URL, which has a playback token in it. The gateway rewrites each playlist: other playlists get the
same address and the same token, and all else that a playlist names becomes a URL that S3 itself answers. So a player
needs no header, and no byte of video passes through a gateway.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from gateway.contract import Kernel
from gateway.errors import Refused, not_found
from gateway.principal import Principal
from modules.accounts.facade import role_of
from modules.live.access.authorization import SessionAuthorizer
from modules.live.aws.s3 import S3
from modules.live.errors import Unplayable, unplayable
from modules.live.recordings.hls import is_path, is_playlist, rewritten
from modules.live.recordings.recording_tokens import RecordingGrant, RecordingTokens
from modules.live.recordings.repository import RecordingFacts
from modules.live.recordings.service import Recordings
from modules.live.settings import LiveSettings

log = structlog.get_logger(__name__)


class Replays:
    """Without `s3` and `tokens` there is no video here, and nothing to play."""

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        authorizer: SessionAuthorizer,
        recordings: Recordings,
        s3: S3 | None,
        tokens: RecordingTokens | None,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._authorizer = authorizer
        self._recordings = recordings
        self._s3 = s3
        self._tokens = tokens

    async def open(self, principal: Principal, session_id: str, id: str) -> tuple[str, datetime]:
        """A token for the recording's playlists, and until when it is good.

        Raises BadInput `not_found`, Refused `forbidden`, Conflict `live.unplayable` and Unavailable.
        """
        await self._authorizer.check_may_see(principal, session_id)
        await self._recordings.find(session_id, id)
        if self._tokens is None:
            raise unplayable()
        grant, token = self._tokens.issue(principal.id, id)
        return token, grant.expires_at

    async def playlist(self, session_id: str, id: str, path: str | None, token: str) -> bytes:
        """A playlist of the recording, for whoever has a playback token of somebody who may still see it.

        Raises BadInput `not_found`, whatever is wrong with the token, Conflict `live.unplayable` and Unavailable.
        """
        if self._s3 is None or self._tokens is None:
            raise unplayable()
        grant = self._tokens.verify(token)
        if grant is None or grant.recording != id or grant.left <= 0 or not await self._may_see(grant, session_id):
            raise not_found("this is no playback token of the recording, or none any more")
        found = await self._recordings.find(session_id, id)
        path = path or found.playlist
        if not (is_path(path) and is_playlist(path)):
            raise not_found("there is no such playlist")
        return await self._rewritten(found, path, token, self._s3, grant.left)

    async def _may_see(self, grant: RecordingGrant, session_id: str) -> bool:
        """Whether the user of the token may see the recording now, with the role they have now."""
        role = await role_of(self._kernel.database, grant.user_id)
        if role is None:
            return False
        viewer = Principal(id=grant.user_id, name="", role=role, expires_at=grant.expires * 1000)
        try:
            await self._authorizer.check_may_see(viewer, session_id)
        except Refused:
            return False
        return True

    async def _rewritten(self, found: RecordingFacts, path: str, token: str, s3: S3, seconds: int) -> bytes:
        presigner = await s3.presigner(found.bucket, seconds)

        def address(path: str) -> str:
            if is_playlist(path):
                # The player resolves it against the address of the playlist that names it.
                return f"playlist.m3u8?path={path}&token={token}"
            return presigner.url(f"{found.prefix}/{path}")

        try:
            content = await s3.read(found.bucket, f"{found.prefix}/{path}", self._settings.recording_playlist_bytes)
            if content is None:
                raise not_found("there is no such playlist")
            # It takes some microseconds a segment, of which there are thousands.
            return await asyncio.to_thread(rewritten, content, path, address)
        except Unplayable as error:
            log.warning("recordings.unplayable", recording=found.id, path=path, reason=str(error))
            raise unplayable() from error
