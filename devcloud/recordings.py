"""Recordings in S3, laid out as IVS documents it, so that a reader of the bucket alone finds them."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from devcloud import clock
from devcloud.document import Document
from devcloud.moto_server import MotoServer
from devcloud.names import Place, resource, token

# One rendition and seconds of nothing: what matters is where things are, not what is seen.
RENDITION = {
    "path": "720p30",
    "playlist": "playlist.m3u8",
    "byte_range_playlist": "byte-range-variant.m3u8",
    "resolution_width": 1280,
    "resolution_height": 720,
}
SEGMENT_SECONDS = 10
SEGMENTS_MOST = 30


def begin(place: Place, channel_arn: str, bucket: str, stream_id: str) -> Document:
    """A new recording of a channel, as the store keeps it with the stream."""
    moment = clock.now()
    path = f"{moment.year}/{moment.month}/{moment.day}/{moment.hour}/{moment.minute}"
    return {
        "id": token(16),
        "bucket": bucket,
        "prefix": f"ivs/v1/{place.account}/{resource(channel_arn)}/{path}/{token(12)}",
        "channel": channel_arn,
        "startTime": clock.stamp(moment),
        "streamIds": [stream_id],
    }


async def write_start(moto: MotoServer, recording: Document) -> bool:
    """Write what is there when a recording starts; False when there is no such bucket."""
    return await _put(moto, recording, "events/recording-started.json", _metadata(recording, None), "json")


async def write_end(moto: MotoServer, recording: Document, ended: datetime) -> bool:
    """Write the media and the end of a recording; the end comes last, as a reader waits for it."""
    seconds = max((ended - clock.read(recording["startTime"])).total_seconds(), 1.0)
    count = min(int(seconds // SEGMENT_SECONDS) + 1, SEGMENTS_MOST)
    variant = f"media/hls/{RENDITION['path']}"
    files = {
        "media/hls/master.m3u8": _master(),
        f"{variant}/playlist.m3u8": _playlist(seconds, count),
        **{f"{variant}/{number}.ts": b"" for number in range(count)},
        "media/thumbnails/thumb0.jpg": _JPEG,
        "media/latest_thumbnail/thumb.jpg": _JPEG,
    }
    for name, body in files.items():
        if not await _put(moto, recording, name, body, name.rpartition(".")[2]):
            return False
    return await _put(moto, recording, "events/recording-ended.json", _metadata(recording, ended), "json")


def event(recording: Document, channel: Document, status: str, duration: timedelta, reason: str = "") -> Document:
    """The detail of the event about it."""
    return {
        "channel_name": channel["name"],
        "stream_id": recording["streamIds"][-1],
        "recording_status": status,
        "recording_status_reason": reason,
        "recording_s3_bucket_name": recording["bucket"],
        "recording_s3_key_prefix": "" if status == "Recording Start Failure" else recording["prefix"],
        "recording_duration_ms": int(duration.total_seconds() * 1000),
        "recording_session_id": recording["id"],
        "recording_session_stream_ids": recording["streamIds"],
    }


def _metadata(recording: Document, ended: datetime | None) -> bytes:
    hls: Document = {
        "path": "media/hls",
        "playlist": "master.m3u8",
        "byte_range_playlist": "byte-range-multivariant.m3u8",
        "renditions": [RENDITION],
    }
    document: Document = {
        "version": "v1",
        "channel_arn": recording["channel"],
        "recording_started_at": recording["startTime"],
        "recording_status": "RECORDING_STARTED",
        "media": {
            "hls": hls,
            "thumbnails": {"path": "media/thumbnails", "resolution_height": 480, "resolution_width": 852},
            "latest_thumbnail": {
                "path": "media/latest_thumbnail/thumb.jpg",
                "resolution_height": 480,
                "resolution_width": 852,
            },
        },
    }
    if ended is not None:
        document["recording_status"] = "RECORDING_ENDED"
        document["recording_ended_at"] = clock.stamp(ended)
        hls["duration_ms"] = int((ended - clock.read(recording["startTime"])).total_seconds() * 1000)
    return msgspec.json.encode(document)


async def _put(moto: MotoServer, recording: Document, name: str, body: bytes, suffix: str) -> bool:
    return await moto.put_object(recording["bucket"], f"{recording['prefix']}/{name}", body, _TYPES[suffix])


def _master() -> bytes:
    size = f"{RENDITION['resolution_width']}x{RENDITION['resolution_height']}"
    lines = ["#EXTM3U", f"#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION={size}", f"{RENDITION['path']}/playlist.m3u8"]
    return "\n".join([*lines, ""]).encode()


def _playlist(seconds: float, count: int) -> bytes:
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    for number in range(count):
        lines += [f"#EXTINF:{min(seconds / count, SEGMENT_SECONDS):.3f},", f"{number}.ts"]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()


_TYPES = {
    "json": "application/json",
    "m3u8": "application/vnd.apple.mpegurl",
    "ts": "video/mp2t",
    "jpg": "image/jpeg",
}
_JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
