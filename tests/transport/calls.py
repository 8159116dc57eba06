"""Commands as the tests send them."""

from __future__ import annotations

from typing import Any

import pytest

from ksmp_testkit.socket_client import WireClient, WireError

codecs = pytest.mark.parametrize("codec", ["json", "msgpack"])


async def fails(client: WireClient, code: str, cmd: str, **fields: Any) -> WireError:
    """The error of a command that must be refused with this code."""
    with pytest.raises(WireError) as caught:
        await client.call(cmd, **fields)
    assert caught.value.code == code
    assert caught.value.args[0]
    return caught.value


async def fill(client: WireClient, room: str, count: int, *, start: int = 0) -> list[int]:
    """Say something `count` times. Returns the seqs."""
    ids = [await client.send("chat.send", room=room, data={"text": f"m{start + one}"}) for one in range(count)]
    return [(await client.reply(id))["seq"] for id in ids]


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["data"]["text"] for message in messages]
