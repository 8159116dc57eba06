"""The codecs."""

from __future__ import annotations

import msgspec
import pytest

from ksmp_client.wire import CodecName, Wire


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("data", [b"", b"\xff", b"[1]", b'{"id": "x"}', b"\xc1"])
def test_what_is_no_message_is_a_decode_error(codec: CodecName, data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        Wire(codec).decode(data)
