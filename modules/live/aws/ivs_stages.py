"""The stages of AWS IVS Real-Time: who is on them, and their mix into a channel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from gateway.clock import now_seconds
from modules.live.aws.client import AwsClient

Kind = Literal["camera", "screen"]
# The encoder configuration of compositions. It is found again by its name, so that an account has one.
ENCODER: Final = "ksmp-720p"
PICTURE: Final = {"width": 1280, "height": 720, "framerate": 30.0, "bitrate": 2_500_000}
# The attribute by which a composition knows whom to show large.
FEATURED: Final = "featured"
RUNNING: Final = frozenset({"STARTING", "ACTIVE"})
# In seconds. Calls that start the mix of a stage within it start one, also when AWS carries one out after it was given
# up. A mix that IVS has forgotten keeps the next one waiting for no longer.
MIX_WINDOW: Final = 60


class Participant(msgspec.Struct, frozen=True):
    """Somebody on a stage; a user is there once for each device and each shared screen."""

    id: str
    user_id: str
    published: bool
    joined_at: datetime | None


class Stage(msgspec.Struct, frozen=True):
    """A stage, and what its tokens name beside it."""

    arn: str
    events_url: str
    whip_url: str


class Stages:
    """`once` is for calls that create something: the SDK does not try them again, as the first try may have done it."""

    def __init__(self, client: Any, once: Any, aws: AwsClient, clock: Callable[[], float] = now_seconds) -> None:
        self._client = client
        self._once = once
        self._aws = aws
        self._clock = clock
        self._encoder: str | None = None
        self._key: str | None = None

    async def create(self, name: str, tags: Mapping[str, str]) -> Stage:
        answer = await self._aws.ask(self._once.create_stage(name=name, tags=dict(tags)))
        return _stage(answer["stage"])

    async def find(self, name: str) -> Stage | None:
        """The stage of this name, or None. An attempt whose answer was lost may have made it."""
        for arn in await self.named(name):
            answer = await self._aws.ask_or_none(self._client.get_stage(arn=arn))
            return None if answer is None else _stage(answer["stage"])
        return None

    async def named(self, name: str) -> list[str]:
        """The ARNs of all stages of this name. There may be two: AWS may carry out a call after we gave it up."""
        pages = self._aws.pages(self._client.list_stages, "stages")
        return [str(one["arn"]) async for one in pages if one.get("name") == name]

    async def import_key(self, name: str, public_key: str) -> str:
        """Have IVS verify stage tokens by this key, imported once for its name; its ARN, which the tokens name."""
        if self._key is None:
            pages = self._aws.pages(self._client.list_public_keys, "publicKeys")
            found = [str(one["arn"]) async for one in pages if one.get("name") == name]
            if not found:
                made = await self._aws.ask(self._once.import_public_key(name=name, publicKeyMaterial=public_key))
                found = [str(made["publicKey"]["arn"])]
            self._key = found[0]
        return self._key

    async def delete(self, arn: str) -> None:
        """Delete the stage, and with that disconnect everybody on it. One that is gone is no error."""
        async for one in self._aws.pages(self._client.list_compositions, "compositions", filterByStageArn=arn):
            if one["state"] in RUNNING:
                await self._aws.ask_or_none(self._client.stop_composition(arn=one["arn"]))
        await self._aws.ask_or_none(self._client.delete_stage(arn=arn))

    async def disconnect(self, arn: str, participant_id: str, reason: str) -> None:
        """Disconnect a participant, on the stage or not. Their token lets nobody in any more."""
        await self._aws.ask_or_none(
            self._client.disconnect_participant(stageArn=arn, participantId=participant_id, reason=reason)
        )

    async def participants(self, arn: str) -> list[Participant]:
        """Who is on the stage now; nobody is on one that is gone."""
        answer = await self._aws.ask_or_none(self._client.get_stage(arn=arn))
        session = answer["stage"].get("activeSessionId") if answer else None
        if not session:
            return []
        filters = {"stageArn": arn, "sessionId": session, "filterByState": "CONNECTED"}
        return [
            Participant(one["participantId"], one.get("userId", ""), one.get("published", False), one["firstJoinTime"])
            async for one in self._aws.pages(self._client.list_participants, "participants", **filters)
        ]

    async def compose(self, arn: str, channel_arn: str) -> None:
        """Start the mix of the stage into the channel, unless it runs. Calls at the same time start one mix."""
        ended = []
        async for one in self._aws.pages(self._client.list_compositions, "compositions", filterByStageArn=arn):
            if one["state"] in RUNNING:
                return
            ended.append(str(one["arn"]))
        channel = {"channelArn": channel_arn, "encoderConfigurationArn": await self._encoder_arn()}
        await self._aws.ask_or_none(
            self._once.start_composition(
                stageArn=arn,
                idempotencyToken=mix_token(arn, ended, int(self._clock() // MIX_WINDOW)),
                layout={"grid": {"featuredParticipantAttribute": FEATURED}},
                destinations=[{"channel": channel}],
            )
        )

    async def _encoder_arn(self) -> str:
        if self._encoder is None:
            pages = self._aws.pages(self._client.list_encoder_configurations, "encoderConfigurations")
            found = [str(one["arn"]) async for one in pages if one.get("name") == ENCODER]
            if not found:
                made = await self._aws.ask(self._once.create_encoder_configuration(name=ENCODER, video=PICTURE))
                found = [str(made["encoderConfiguration"]["arn"])]
            self._encoder = found[0]
        return self._encoder


def mix_token(arn: str, ended: Iterable[str], window: int) -> str:
    """The same for all calls that want the same mix: the one of this stage that follows those that have ended."""
    return hashlib.sha256("\n".join([arn, *sorted(ended), str(window)]).encode()).hexdigest()


def _stage(stage: Mapping[str, Any]) -> Stage:
    return Stage(str(stage["arn"]), stage["endpoints"]["events"], stage["endpoints"]["whip"])
