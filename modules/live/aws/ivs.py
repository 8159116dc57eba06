"""The channels of AWS IVS, and the queue of SQS with its events. Stages are in `aws/ivs_stages.py`.

Every call has a time-out, and those of IVS go through a circuit breaker. The SDK tries each a few times, with backoff
and jitter, except for calls that create something. No call is made inside of a database transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.aws.service import AwsConfig, ServiceClient
from gateway.circuit_breaker import CircuitBreaker
from gateway.errors import Unavailable
from modules.live.aws.client import AwsClient, translate_errors
from modules.live.aws.ivs_stages import Stages

# The longest that SQS holds a request back for a message to come.
LONG_POLL: Final = 20


class Channel(msgspec.Struct, frozen=True):
    """A channel, without its stream key's value, which is never kept."""

    arn: str
    playback_url: str
    ingest_endpoint: str
    stream_key_arn: str


class Stream(msgspec.Struct, frozen=True):
    """What a channel broadcasts."""

    id: str
    starving: bool
    viewers: int


class QueueMessage(msgspec.Struct, frozen=True):
    """A message of the queue, and the handle by which it is deleted from there."""

    body: str
    handle: str


class Ivs:
    """The calls of IVS and SQS, by clients that are open from `open` to `close`."""

    def __init__(self, config: AwsConfig, breaker: CircuitBreaker) -> None:
        self._ivs = ServiceClient(config, "ivs")
        # For calls that create something. The SDK does not try them again: the first try may have created it, and only
        # the answer was lost.
        self._once = ServiceClient(config, "ivs", tries=1)
        self._sqs = ServiceClient(config, "sqs", wait=LONG_POLL)
        realtime, realtime_once = ServiceClient(config, "ivs-realtime"), ServiceClient(config, "ivs-realtime", tries=1)
        self._clients = (self._ivs, self._once, self._sqs, realtime, realtime_once)
        calls = AwsClient(breaker)
        self._call, self._call_or_none, self._pages = calls.ask, calls.ask_or_none, calls.pages
        self.stages = Stages(realtime, realtime_once, calls)
        self._key_arn: str | None = None
        self._queue_url: str | None = None
        self._recording_arns: dict[str, str] = {}

    async def open(self) -> None:
        for client in self._clients:
            await client.open()

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    async def create_channel(self, name: str, tags: Mapping[str, str], recording_arn: str) -> Channel:
        """A low-latency STANDARD channel whose playback is private."""
        answer = await self._call(
            self._once.create_channel(
                name=name,
                type="STANDARD",
                latencyMode="LOW",
                authorized=True,
                recordingConfigurationArn=recording_arn,
                tags=dict(tags),
            )
        )
        return _channel(answer["channel"], answer["streamKey"]["arn"])

    async def find_channel(self, name: str) -> Channel | None:
        """The channel of this name, or None. An attempt whose answer was lost may have made it."""
        for arn in await self.channels_named(name):
            return await self.read_channel(arn)
        return None

    async def channels_named(self, name: str) -> list[str]:
        """The ARNs of all channels of this name. There may be two: AWS may carry out a call after we gave it up."""
        return [one["arn"] async for one in self._pages(self._ivs.list_channels, "channels", filterByName=name)]

    async def read_channel(self, arn: str) -> Channel | None:
        """The channel, with a stream key; None when there is none."""
        answer = await self._call_or_none(self._ivs.get_channel(arn=arn))
        if answer is None:
            return None
        return _channel(answer["channel"], await self.stream_key_of(arn))

    async def stream_key_of(self, channel_arn: str) -> str:
        """The ARN of the channel's stream key, which is made when there is none."""
        async for key in self._pages(self._ivs.list_stream_keys, "streamKeys", channelArn=channel_arn):
            arn: str = key["arn"]
            return arn
        made = await self._call(self._once.create_stream_key(channelArn=channel_arn))
        return str(made["streamKey"]["arn"])

    async def record(self, channel_arn: str, recording_arn: str) -> None:
        """Record the channel's streams by this configuration; an empty ARN turns recording off."""
        await self._call(self._ivs.update_channel(arn=channel_arn, recordingConfigurationArn=recording_arn))

    async def read_stream_key(self, arn: str) -> str | None:
        """The value of a stream key; None when there is none. It must be neither logged nor stored."""
        answer = await self._call_or_none(self._ivs.get_stream_key(arn=arn))
        return None if answer is None else str(answer["streamKey"]["value"])

    async def delete_stream_keys(self, channel_arn: str) -> None:
        """Let no encoder in any more. One that streams already goes on."""
        pages = self._pages(self._ivs.list_stream_keys, "streamKeys", channelArn=channel_arn)
        for key in [key async for key in pages]:
            await self._call_or_none(self._ivs.delete_stream_key(arn=key["arn"]))

    async def stop_stream(self, channel_arn: str) -> None:
        """End what the channel broadcasts. That it broadcasts nothing is no error."""
        await self._call_or_none(self._ivs.stop_stream(channelArn=channel_arn))

    async def delete_channel(self, arn: str) -> None:
        await self._call_or_none(self._ivs.delete_channel(arn=arn))

    async def read_stream(self, channel_arn: str) -> Stream | None:
        """What the channel broadcasts now; None for nothing."""
        answer = await self._call_or_none(self._ivs.get_stream(channelArn=channel_arn))
        if answer is None:
            return None
        stream = answer["stream"]
        return Stream(stream.get("streamId", ""), stream.get("health") == "STARVING", stream.get("viewerCount", 0))

    async def read_session(self, channel_arn: str) -> dict[str, Any] | None:
        """The channel's last stream session, as `GetStreamSession` describes it; None when there was none."""
        answer = await self._call_or_none(self._ivs.get_stream_session(channelArn=channel_arn))
        if answer is None:
            return None
        session: dict[str, Any] = answer["streamSession"]
        return session

    async def put_metadata(self, channel_arn: str, text: str) -> None:
        """Send timed metadata; nothing happens when nothing is broadcast."""
        await self._call_or_none(self._ivs.put_metadata(channelArn=channel_arn, metadata=text))

    async def revoke_viewer(self, channel_arn: str, viewer_id: str, version: int) -> None:
        """End the viewer's playback with every token up to this version."""
        await self._call_or_none(
            self._ivs.start_viewer_session_revocation(
                channelArn=channel_arn, viewerId=viewer_id, viewerSessionVersionsLessThanOrEqualTo=version
            )
        )

    async def import_key(self, name: str, public_key: str) -> None:
        """Have IVS verify playback tokens by this key, which is imported once for its name."""
        if self._key_arn is not None:
            return
        pages = self._pages(self._ivs.list_playback_key_pairs, "keyPairs")
        found: str | None = None
        async for pair in pages:
            if pair.get("name") == name:
                found = pair["arn"]
                break
        if found is None:
            made = await self._call(self._once.import_playback_key_pair(name=name, publicKeyMaterial=public_key))
            found = made["keyPair"]["arn"]
        self._key_arn = found

    async def recording_configuration(self, bucket: str, thumbnail_seconds: int, reconnect_seconds: int) -> str:
        """The ARN of the configuration that records to this bucket; raises Unavailable until it is active."""
        if bucket in self._recording_arns:
            return self._recording_arns[bucket]
        async for one in self._pages(self._ivs.list_recording_configurations, "recordingConfigurations"):
            if (
                one["destinationConfiguration"].get("s3", {}).get("bucketName") == bucket
                and one["state"] != "CREATE_FAILED"
            ):
                found = one
                break
        else:
            made = await self._call(
                self._once.create_recording_configuration(
                    name=f"ksmp-{bucket}",
                    destinationConfiguration={"s3": {"bucketName": bucket}},
                    thumbnailConfiguration={"recordingMode": "INTERVAL", "targetIntervalSeconds": thumbnail_seconds},
                    recordingReconnectWindowSeconds=reconnect_seconds,
                )
            )
            found = made["recordingConfiguration"]
        if found["state"] != "ACTIVE":
            raise Unavailable("the recording configuration is being made")
        self._recording_arns[bucket] = found["arn"]
        return self._recording_arns[bucket]

    async def receive(self, queue: str) -> list[QueueMessage]:
        """Wait for messages of the queue, as long as SQS lets one wait."""
        if self._queue_url is None:
            self._queue_url = str((await translate_errors(self._sqs.get_queue_url(QueueName=queue)))["QueueUrl"])
        answer = await translate_errors(
            self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=LONG_POLL)
        )
        return [QueueMessage(one["Body"], one["ReceiptHandle"]) for one in answer.get("Messages", ())]

    async def delete_message(self, message: QueueMessage) -> None:
        """Take a message off the queue from which it was received."""
        await translate_errors(self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message.handle))


def _channel(channel: Mapping[str, Any], stream_key_arn: str) -> Channel:
    return Channel(channel["arn"], channel["playbackUrl"], channel["ingestEndpoint"], stream_key_arn)
