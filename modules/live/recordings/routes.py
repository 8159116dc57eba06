"""The routes of recordings."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request, Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from gateway.auth.policy import otherwise
from gateway.http.services import services
from gateway.principal import Principal
from modules.live.policies import HOSTS, OF_PROGRAM, Id
from modules.live.recordings.hls import LONGEST, MEDIA_TYPE, NAME
from modules.live.recordings.messages import RecordingList, Replay
from modules.live.recordings.playback import Replays
from modules.live.recordings.service import Recordings

RecordingId = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
Path = Annotated[
    str | None,
    QueryParameter(
        pattern=rf"^({NAME}/)*{NAME}\.m3u8$",
        max_length=LONGEST,
        description="Which of the recording's playlists; without it the one with which players begin",
    ),
]
Token = Annotated[str, QueryParameter(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", max_length=1000)]
PLAYBACK_TOKEN: Final = otherwise(
    "the playback token in the URL of `playback`, of a user who may still see the recording"
)


@get("/{id:str}/recordings", policy=OF_PROGRAM)
async def recordings(
    id: Id, principal: NamedDependency[Principal], recordings: NamedDependency[Recordings]
) -> RecordingList:
    """What was recorded of a session."""
    return RecordingList(await recordings.listing(principal, id))


@delete("/{id:str}/recordings/{recording:str}", policy=HOSTS)
async def delete_recording(
    id: Id, recording: RecordingId, principal: NamedDependency[Principal], recordings: NamedDependency[Recordings]
) -> None:
    """Delete a recording for good. It is gone for everybody at once, and from the bucket a moment later."""
    await recordings.delete(principal, id, recording)


@post("/{id:str}/recordings/{recording:str}/playback", policy=OF_PROGRAM, status_code=200)
async def replay(
    id: Id,
    recording: RecordingId,
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    replays: NamedDependency[Replays],
    public_url: NamedDependency[str],
) -> Replay:
    """Where to watch a recording: a URL that any HLS player opens, for you alone and for a while."""
    token, expires_at = await replays.open(principal, id, recording)
    base = public_url or str(request.base_url).rstrip("/")
    return Replay(f"{base}/api/v1/sessions/{id}/recordings/{recording}/playlist.m3u8?token={token}", expires_at)


@get(
    "/{id:str}/recordings/{recording:str}/playlist.m3u8",
    policy=PLAYBACK_TOKEN,
    conflict=True,
    media_type=MEDIA_TYPE,
    any_query=True,
)
async def playlist(
    id: Id, recording: RecordingId, token: Token, replays: NamedDependency[Replays], path: Path = None
) -> Response[bytes]:
    """A playlist of a recording, as players ask for it. What it names can be read until the token expires."""
    content = await replays.playlist(id, recording, path, token)
    # The playback token is in it.
    return Response(content, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def router(service: Recordings, replays: Replays, public_url: str) -> Router:
    return Router(
        "/sessions",
        route_handlers=[recordings, delete_recording, replay, playlist],
        dependencies=services(recordings=service, replays=replays, public_url=public_url),
    )
