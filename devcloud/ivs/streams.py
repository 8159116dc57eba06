"""Streams: live now, and those that were; metadata; the encoder that makes one live.

A channel's stream is `running` from `start` until `end`, whoever ends it: the encoder or StopStream.
"""

from __future__ import annotations

import asyncio
import contextlib

from devcloud import clock
from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused, not_found
from devcloud.events import HEALTH, STREAM
from devcloud.ivs import recorder
from devcloud.ivs.channels import has_key
from devcloud.names import stream_id
from devcloud.paging import page
from devcloud.quotas import METADATA_BYTES

handlers = Handlers("ivs")

METADATA_KEPT = 100

# OBS does so by itself when the service hangs up; only without its stream key it stays out.
RECONNECT_SECONDS = 1.0


@handlers("GetStream")
def get_stream(cloud: Cloud, ask: Document) -> Document:
    return {"stream": _stream(cloud, _live(cloud, ask["channelArn"]), ask["channelArn"])}


@handlers("ListStreams")
def list_streams(cloud: Cloud, ask: Document) -> Document:
    health = ask.get("filterBy", {}).get("health")
    streams = [
        _stream(cloud, session, channel["arn"])
        for channel in cloud.store.all("channel")
        if (session := cloud.store.running(channel["arn"])) and health in (None, session["health"])
    ]
    return page(ask, "streams", streams)


@handlers("StopStream")
def stop_stream(cloud: Cloud, ask: Document) -> Document:
    session = end(cloud, ask["channelArn"])
    if session.get("reconnect"):
        asyncio.get_running_loop().call_later(RECONNECT_SECONDS, _again, cloud, ask["channelArn"])
    return {}


@handlers("GetStreamSession")
def get_stream_session(cloud: Cloud, ask: Document) -> Document:
    channel = cloud.store.get(ask["channelArn"])
    sessions = cloud.store.sessions(ask["channelArn"])
    wanted = ask.get("streamId")
    session = next((item for item in reversed(sessions) if wanted in (None, item["streamId"])), None)
    if session is None:
        raise not_found(f"{ask['channelArn']}/{wanted or 'latest stream session'}")
    shown = {name: value for name, value in channel.items() if name != "preset" or value}
    extra: Document = {"channel": shown, "ingestConfiguration": _INGEST}
    if channel["recordingConfigurationArn"]:
        extra["recordingConfiguration"] = cloud.store.get(channel["recordingConfigurationArn"])
    return {"streamSession": session | extra}


@handlers("ListStreamSessions")
def list_stream_sessions(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["channelArn"])
    sessions = [session | {"hasErrorEvent": False} for session in reversed(cloud.store.sessions(ask["channelArn"]))]
    return page(ask, "streamSessions", sessions)


@handlers("PutMetadata")
def put_metadata(cloud: Cloud, ask: Document) -> None:
    session = _live(cloud, ask["channelArn"])
    if len(ask["metadata"].encode()) > METADATA_BYTES:
        raise Refused("ValidationException", f"The metadata is larger than {METADATA_BYTES} bytes.")
    kept = cloud.store.kept.metadata.setdefault(ask["channelArn"], [])
    kept.append({"streamId": session["streamId"], "time": clock.stamp(clock.now()), "metadata": ask["metadata"]})
    del kept[:-METADATA_KEPT]


def start(cloud: Cloud, channel_arn: str, *, reconnect: bool = False) -> Document:
    """Let an encoder go live; with `reconnect` it comes back whenever StopStream ended it.

    Raises Refused when there is no such channel, no stream key, or a stream already."""
    channel = cloud.store.get(channel_arn)
    if cloud.store.running(channel_arn) is not None:
        raise Refused("ConflictException", "The channel is live already.")
    if not has_key(cloud, channel_arn):
        raise Refused("AccessDeniedException", "The channel has no stream key; no encoder is let in.")
    session: Document = {
        "streamId": stream_id(),
        "startTime": clock.stamp(clock.now()),
        "health": "HEALTHY",
        "viewerCount": 0,
        "truncatedEvents": [],
        "reconnect": reconnect,
    }
    cloud.store.sessions(channel_arn).append(session)
    for name in ("Session Created", "Stream Start"):
        _tell(cloud, channel, session, name)
    recorder.begin(cloud, channel, session)
    return session


def change(cloud: Cloud, channel_arn: str, *, health: str | None = None, viewers: int | None = None) -> Document:
    """Let the encoder's network be bad (`STARVING`) or good (`HEALTHY`), or so many watch.

    Raises Refused when nothing is live.
    """
    session = _live(cloud, channel_arn)
    if viewers is not None:
        session["viewerCount"] = viewers
    if health not in (None, session["health"]):
        session["health"] = health
        name = "Starvation Start" if health == "STARVING" else "Starvation End"
        _tell(cloud, cloud.store.get(channel_arn), session, name, HEALTH)
    return session


def end(cloud: Cloud, channel_arn: str) -> Document:
    """Let the stream end. Raises Refused when there is none."""
    channel = cloud.store.get(channel_arn)
    session = _live(cloud, channel_arn)
    session["endTime"] = clock.stamp(clock.now())
    for name in ("Session Ended", "Stream End"):
        _tell(cloud, channel, session, name)
    recorder.pause(cloud, channel)
    return session


def _again(cloud: Cloud, channel_arn: str) -> None:
    # The channel or its key may be gone by now, or another encoder be live.
    with contextlib.suppress(Refused):
        start(cloud, channel_arn, reconnect=True)
        cloud.store.save()


def _tell(cloud: Cloud, channel: Document, session: Document, name: str, of: str = STREAM) -> None:
    moment = clock.stamp(clock.now())
    session["truncatedEvents"].append({"name": name, "type": of, "eventTime": moment})
    detail = {"event_name": name, "channel_name": channel["name"], "stream_id": session["streamId"]}
    cloud.events.emit(of, [channel["arn"]], detail)


def _live(cloud: Cloud, channel_arn: str) -> Document:
    cloud.store.get(channel_arn)
    session = cloud.store.running(channel_arn)
    if session is None:
        raise Refused("ChannelNotBroadcasting", "No active stream on the channel.")
    return session


def _stream(cloud: Cloud, session: Document, channel_arn: str) -> Document:
    playback = cloud.store.get(channel_arn)["playbackUrl"]
    return session | {"channelArn": channel_arn, "state": "LIVE", "playbackUrl": playback}


_INGEST: Document = {
    "video": {
        "avcLevel": "4.0",
        "avcProfile": "Baseline",
        "codec": "avc1.42C028",
        "encoder": "devcloud",
        "targetBitrate": 3_500_000,
        "targetFramerate": 30,
        "videoHeight": 1080,
        "videoWidth": 1920,
    },
    "audio": {"channels": 2, "codec": "mp4a.40.2", "sampleRate": 48_000, "targetBitrate": 160_000},
}
