"""`ksmp devcloud stream`: what OBS would do to a session's channel in the stand-in for AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from devstack import control


class Stream(msgspec.Struct, frozen=True):
    """The stream that began or ended."""

    channel_arn: str = msgspec.field(name="channelArn")
    stream_id: str = msgspec.field(name="streamId")


def drive(
    data: Path, step: Literal["start", "stop"], *, session: str = "", arn: str = "", reconnect: bool = False
) -> Stream:
    """Let the stream of a session's channel, or of the channel with this ARN, begin or end.

    With `reconnect` it comes back when the service ends it. Raises DevStackError when no `ksmp dev` with a stand-in
    runs in the folder, or when the stand-in refuses.
    """
    known = control.running(data)
    target = {"reconnect": reconnect} | ({"arn": arn} if arn else {"session": session or known.session})
    path = f"/_devcloud/streams/{step}"
    return msgspec.json.decode(
        control.ask(known, "POST", path, body=target, failed=f"The stream does not {step}"), type=Stream
    )
