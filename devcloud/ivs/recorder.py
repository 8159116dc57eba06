"""Records a channel's streams: when a recording begins, goes on over several streams, and ends.

It begins with a stream of a channel that has a recording configuration. When the stream ends it waits for the next one,
as long as the configuration's reconnect window is open, and goes on with it; else it ends. What is written and told of
it comes behind all that was told before.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from devcloud import clock, recordings
from devcloud.cloud import Cloud
from devcloud.document import Document
from devcloud.events import RECORDING


def begin(cloud: Cloud, channel: Document, session: Document) -> None:
    """A stream began: record it, if the channel is to be recorded."""
    if not channel["recordingConfigurationArn"]:
        return
    waiting = _open(cloud.store.sessions(channel["arn"])[:-1])
    if waiting is not None:
        waiting["streamIds"].append(session["streamId"])
        session["recording"] = waiting
        return
    configuration = cloud.store.get(channel["recordingConfigurationArn"])
    bucket = configuration["destinationConfiguration"]["s3"]["bucketName"]
    recording = recordings.begin(cloud.place, channel["arn"], bucket, session["streamId"])
    session["recording"] = recording

    async def write() -> None:
        if await recordings.write_start(cloud.moto, recording):
            _tell(cloud, channel, recording, "Recording Start")
        else:
            recording.setdefault("endTime", recording["startTime"])
            recording["failed"] = True
            _tell(cloud, channel, recording, "Recording Start Failure", reason="ValidationException")
            cloud.store.save()

    cloud.events.after(write)


def pause(cloud: Cloud, channel: Document) -> None:
    """The channel's stream has ended, now or before the stand-in was started: wait for the next one."""
    sessions = cloud.store.sessions(channel["arn"])
    recording = _open(sessions)
    if recording is None:
        return
    configuration = cloud.store.kept.resources.get(channel["recordingConfigurationArn"], {})
    window = timedelta(seconds=configuration.get("recordingReconnectWindowSeconds", 0))
    left = (clock.read(sessions[-1]["endTime"]) + window - clock.now()).total_seconds()
    if window and left > 0:
        asyncio.get_running_loop().call_later(left, _close, cloud, channel, recording)
    else:
        finish(cloud, channel)


def resume(cloud: Cloud) -> None:
    """Take up what waited for its encoder when the stand-in was stopped."""
    for channel in cloud.store.all("channel"):
        if cloud.store.running(channel["arn"]) is None:
            pause(cloud, channel)


def finish(cloud: Cloud, channel: Document) -> None:
    """End the recording that waits for an encoder, if there is one."""
    recording = _open(cloud.store.sessions(channel["arn"]))
    if recording is None:
        return
    ended = clock.now()
    recording["endTime"] = clock.stamp(ended)

    async def write() -> None:
        if recording.get("failed"):
            return
        if await recordings.write_end(cloud.moto, recording, ended):
            _tell(cloud, channel, recording, "Recording End", ended - clock.read(recording["startTime"]))
        else:
            _tell(cloud, channel, recording, "Recording End Failure", reason="InternalServerException")

    cloud.events.after(write)


def _close(cloud: Cloud, channel: Document, recording: Document) -> None:
    """The window of a recording is over, unless another stream opened it again; then that one's counts."""
    sessions = cloud.store.sessions(channel["arn"])
    if cloud.store.running(channel["arn"]) is None and _open(sessions) is recording:
        pause(cloud, channel)
        cloud.store.save()


def _open(sessions: list[Document]) -> Document | None:
    """The recording of the last of these streams, unless it has ended."""
    recording: Document | None = sessions[-1].get("recording") if sessions else None
    return recording if recording is not None and "endTime" not in recording else None


def _tell(
    cloud: Cloud,
    channel: Document,
    recording: Document,
    status: str,
    duration: timedelta = timedelta(),
    reason: str = "",
) -> None:
    detail = recordings.event(recording, channel, status, duration, reason)
    cloud.events.emit(RECORDING, [channel["arn"]], detail)
