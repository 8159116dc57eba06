"""`ksmp devcloud stream`: what OBS would do to a session's channel in the stand-in for AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import httpx
import msgspec

from devstack import state
from devstack.errors import DevStackError
from devstack.folder import DataFolder

TIMEOUT = 10.0


class Stream(msgspec.Struct, frozen=True):
    """The stream that began or ended."""

    channel_arn: str = msgspec.field(name="channelArn")
    stream_id: str = msgspec.field(name="streamId")


class Refusal(msgspec.Struct, frozen=True):
    message: str = "it did not say why"


def drive(
    data: Path, step: Literal["start", "stop"], *, session: str = "", arn: str = "", reconnect: bool = False
) -> Stream:
    """Let the stream of a session's channel, or of the channel with this ARN, begin or end.

    With `reconnect` it comes back when the service ends it. Raises DevStackError when no `ksmp dev` with a stand-in
    runs in the folder, or when the stand-in refuses.
    """
    try:
        known = state.read(DataFolder(data).state)
    except (OSError, msgspec.DecodeError):
        raise DevStackError(f"No `ksmp dev` runs in {data}; start one with `ksmp dev --data {data}`.") from None
    if not known.aws_endpoint:
        raise DevStackError(f"The `ksmp dev` in {data} runs with --no-cloud: there is nothing to stream to.")
    url = f"{known.aws_endpoint}/_devcloud/streams/{step}"
    target = {"reconnect": reconnect} | ({"arn": arn} if arn else {"session": session or known.session})
    try:
        answer = httpx.post(url, json=target, timeout=TIMEOUT, trust_env=False)
    except httpx.HTTPError as error:
        raise DevStackError(f"The stand-in for AWS does not answer at {url}: {error}.") from None
    if answer.status_code != 200:
        raise DevStackError(f"The stream does not {step}: {msgspec.json.decode(answer.content, type=Refusal).message}")
    return msgspec.json.decode(answer.content, type=Stream)
