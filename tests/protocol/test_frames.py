"""Another implementation, the parser of `websockets`, reads our frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gateway.protocol.codec import CODECS, Codec
from gateway.protocol.frames import BINARY, TEXT, frame
from gateway.realtime.frame_encoder import websocket_encoder


def parsed(data: bytes) -> list[Frame]:
    """What a client makes of these bytes; fails unless it finds no fault and nothing is left over."""
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    assert client.data_to_send() == []
    frames = [event for event in client.events_received() if isinstance(event, Frame)]
    assert sum(len(one.serialize(mask=False)) for one in frames) == len(data)
    return frames


sizes = st.integers(0, 300) | st.integers(65_500, 65_600) | st.integers(0, 200_000)
messages = st.tuples(st.sampled_from([TEXT, BINARY]), sizes)


@given(st.lists(messages, max_size=6))
def test_frames_written_one_after_the_other_are_read_back(sent: list[tuple[int, int]]) -> None:
    payloads = [(opcode, bytes([65 + index]) * size) for index, (opcode, size) in enumerate(sent)]
    read = parsed(b"".join(frame(opcode, payload) for opcode, payload in payloads))
    assert [(one.opcode, one.data) for one in read] == payloads
    assert all(one.fin and not (one.rsv1 or one.rsv2 or one.rsv3) for one in read)


@pytest.mark.parametrize(
    ("size", "header"), [(0, 2), (125, 2), (126, 4), (127, 4), (65_535, 4), (65_536, 10), (70_000, 10)]
)
def test_the_length_takes_as_few_bytes_as_the_standard_asks(size: int, header: int) -> None:
    data = frame(TEXT, b"x" * size)
    assert len(data) == header + size
    assert data == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
def test_a_codec_s_messages_are_framed_with_its_own_opcode(codec: Codec) -> None:
    message = {"push": "chat.message", "data": {"text": "ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ" * 100}}
    (read,) = parsed(websocket_encoder(codec, None).frame(message))
    assert read.opcode is (Opcode.TEXT if codec.text else Opcode.BINARY)
    assert bytes(read.data) == codec.encode(message)
    assert codec.decode(bytes(read.data)) == message
