"""The endpoint reads what the library reads: the same bytes, cut anywhere, give the same messages and the same end."""

from __future__ import annotations

import asyncio
import itertools
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from gateway.errors import CloseCode
from gateway.settings import Settings
from gateway.transport.endpoint import Endpoints, WebSocketEndpoint
from gateway.transport.handshake import Extension
from tests.peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame

LIMIT = 6000
BITS = 12
Seen = list[tuple[Any, ...]]


class Wire(asyncio.Transport):
    """Keeps what is written. It is no connection, so that the same bytes can come in any pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        self.closed = True


class Recorder:
    """Implements `gateway.transport.endpoint.Receiver`."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def received(self, data: bytes | str) -> None:
        self.seen.append(("message", data))

    def lagging(self, behind: bool) -> None:
        pass

    def over(self) -> None:
        pass

    def lost(self, code: int) -> None:
        pass


def by_us(pieces: list[bytes], deflate: bool, shared: Endpoints) -> tuple[Seen, bool]:
    """What was read and answered; and whether the library was asked."""
    seen: Seen = []
    wire = Wire()
    endpoint = WebSocketEndpoint(shared, wire, Extension(b"x", BITS, True) if deflate else Extension())
    endpoint.open(Recorder(seen))
    asked = False
    for piece in pieces:
        if wire.closed or endpoint.deaf:
            break
        before = len(wire.written)
        endpoint.data_received(piece)
        asked = asked or endpoint._library is not None
        seen += [_answer(data) for data in wire.written[before:]]
    endpoint.connection_lost(None)
    # Messages and answers go different ways: only the order of each is fixed.
    return sorted(seen, key=lambda one: one[0] != "message"), asked


def _answer(data: bytes) -> tuple[Any, ...]:
    opcode, payload = data[0] & 0x0F, data[2:]
    return ("close", int.from_bytes(payload[:2], "big")) if opcode == CLOSE else ("pong", payload)


def by_the_library(data: bytes, deflate: bool) -> Seen:
    library = ServerProtocol(state=State.OPEN, max_size=LIMIT)
    if deflate:
        library.extensions = [PerMessageDeflate(True, True, BITS, BITS)]
    messages: Seen = []
    answers: Seen = []
    opcode, parts = 0, b""
    library.receive_data(data)
    for event in library.events_received():
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            if event.opcode is not Opcode.CONT:
                opcode, parts = event.opcode, b""
            parts += bytes(event.data)
            if event.fin and opcode == BINARY:
                messages.append(("message", parts))
            elif event.fin:
                try:
                    messages.append(("message", parts.decode()))
                except UnicodeDecodeError:
                    return [*messages, *answers, ("close", 1007)]
        elif event.opcode is Opcode.PING:
            answers.append(("pong", bytes(event.data)))
        elif event.opcode is Opcode.CLOSE:
            answers.append(("close", int.from_bytes(bytes(event.data)[:2], "big")))
    if isinstance(library.parser_exc, PayloadTooBig):
        answers.append(("close", int(CloseCode.MESSAGE_TOO_LARGE)))
    elif library.parser_exc is not None:
        assert library.close_sent is not None
        answers.append(("close", int(library.close_sent.code)))
    return [*messages, *answers]


@pytest.fixture
async def shared() -> Endpoints:
    limits: dict[str, Any] = {"connect_bytes": LIMIT, "command_rate": 1e6, "command_burst": 1_000_000}
    chosen = Settings(database_url="", nats_url=("",), issuer="", jwks_url="https://x", client_ids=("",), **limits)
    return Endpoints(asyncio.get_running_loop(), chosen, set())


def packed(data: bytes, bits: int = BITS) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -bits)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def masked(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """A frame that is masked in earnest."""
    plain = frame(opcode, payload)
    return plain[: len(plain) - len(payload) - 4] + mask + bytes(a ^ b for a, b in zip(payload, itertools.cycle(mask)))


WHOLE = frame(TEXT, b'{"cmd": "ping"}')
STREAMS = {
    "messages": WHOLE + frame(BINARY, b"\0\1") + frame(TEXT) + frame(TEXT, "é🌍".encode()),
    "sizes": b"".join(frame(TEXT, b"x" * size) for size in (125, 126, 127, 1000)),
    "masks": masked(TEXT, b"a text of some length", b"\1\2\3\4") + masked(BINARY, bytes(range(130)), b"\xff\0\x80\7"),
    "a size that needs no two bytes": b"\x81\xfe\0\3\0\0\0\0abc" + WHOLE,
    "a size that needs no eight bytes": b"\x81\xff" + (3).to_bytes(8, "big") + b"\0\0\0\0abc" + WHOLE,
    "pings and pongs": frame(PING, b"x") + WHOLE + frame(PONG) + frame(PING) + frame(PING, b"y" * 125) + WHOLE,
    "a ping whose size has two bytes": b"\x89\xfe\0\3\0\0\0\0abc" + WHOLE,
    "fragments": frame(TEXT, b"a", fin=False) + frame(PING) + frame(CONT, b"b", fin=False) + frame(CONT) + WHOLE,
    "closed": WHOLE + frame(CLOSE, b"\x03\xe8bye") + WHOLE,
    "closed without a code": frame(CLOSE) + WHOLE,
    "compressed": frame(TEXT, packed(b"x" * 3000), rsv1=True) + frame(BINARY, packed(b"\0" * 9), rsv1=True) + WHOLE,
    "an empty compressed message": frame(TEXT, packed(b""), rsv1=True) + frame(TEXT, b"\0", rsv1=True) + WHOLE,
    "compressed in fragments": frame(TEXT, packed(b"abc" * 9)[:5], rsv1=True, fin=False)
    + frame(CONT, packed(b"abc" * 9)[5:])
    + WHOLE,
    "compressed to a limit": frame(TEXT, packed(b"x" * LIMIT), rsv1=True) + WHOLE,
    "compressed over a limit": WHOLE + frame(TEXT, packed(b"x" * (LIMIT + 1)), rsv1=True) + WHOLE,
    "compressed with a larger window": frame(TEXT, packed(bytes(range(256)) * 20, 15), rsv1=True) + WHOLE,
    "compressed text that is no UTF-8": frame(TEXT, packed(b"\xff"), rsv1=True) + WHOLE,
    "no deflate": WHOLE + frame(TEXT, b"\xff\xff\xff", rsv1=True) + WHOLE,
    "a compressed ping": frame(PING, packed(b"x"), rsv1=True) + WHOLE,
    "as large as may be": frame(TEXT, b"x" * LIMIT) + WHOLE,
    "too large": WHOLE + frame(TEXT, b"x" * (LIMIT + 1)) + WHOLE,
    "too large by its head": WHOLE + frame(TEXT, size=1 << 40) + WHOLE,
    "no mask": WHOLE + b"\x81\x02{}" + WHOLE,
    "no UTF-8": WHOLE + frame(TEXT, b"\xff") + WHOLE,
    "a reserved bit": b"\xa1\x80\0\0\0\0" + WHOLE,
    "a reserved opcode": WHOLE + frame(0x3) + WHOLE,
    "a reserved control opcode": WHOLE + frame(0xB) + WHOLE,
    "a continuation of nothing": WHOLE + frame(CONT, b"x") + WHOLE,
    "a message within a message": frame(TEXT, b"{", fin=False) + WHOLE,
    "a ping in fragments": frame(PING, b"x", fin=False) + WHOLE,
    "a long ping": frame(PING, b"x" * 126) + WHOLE,
    "a close frame of one byte": frame(CLOSE, b"\3") + WHOLE,
    "a bad close code": WHOLE + frame(CLOSE, b"\3\xee") + WHOLE,
    "a reason that is no UTF-8": frame(CLOSE, b"\3\xe8\xff") + WHOLE,
}


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
@pytest.mark.parametrize("case", STREAMS)
async def test_a_stream_cut_at_every_place(shared: Endpoints, case: str, deflate: bool) -> None:
    data = STREAMS[case]
    expected = by_the_library(data, deflate)
    assert by_us([data], deflate, shared)[0] == expected
    step = max(1, len(data) // 150)
    for cut in range(1, len(data), step):
        assert by_us([data[:cut], data[cut:]], deflate, shared)[0] == expected, f"cut at {cut}"
    if len(data) < 600:
        assert by_us([bytes([byte]) for byte in data], deflate, shared)[0] == expected


@pytest.mark.parametrize(
    ("case", "deflate"),
    [
        ("messages", False),
        ("sizes", False),
        ("masks", False),
        ("pings and pongs", True),
        ("closed", True),
        ("compressed", True),
        ("an empty compressed message", True),
        ("compressed to a limit", True),
    ],
)
async def test_what_clients_send_needs_no_library(shared: Endpoints, case: str, deflate: bool) -> None:
    data = STREAMS[case]
    assert by_us([data], deflate, shared)[1] is False
    for cut in range(1, len(data), max(1, len(data) // 150)):
        assert by_us([data[:cut], data[cut:]], deflate, shared)[1] is False


payloads = st.one_of(st.binary(max_size=200), st.text(max_size=60).map(str.encode), st.just(b"x" * 5000))


def made(opcode: int, payload: bytes, fin: bool, rsv1: bool, mask: bytes) -> bytes:
    first = (0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode
    return bytes([first]) + masked(opcode, packed(payload) if rsv1 and len(payload) % 3 else payload, mask)[1:]


one_frame = st.builds(
    made,
    st.sampled_from([TEXT, TEXT, BINARY, CONT, PING, PONG, CLOSE, 0x3]),
    payloads,
    st.sampled_from([True, True, True, False]),
    st.booleans(),
    st.binary(min_size=4, max_size=4),
)


@given(
    frames=st.lists(one_frame, max_size=6),
    noise=st.binary(max_size=3),
    cuts=st.lists(st.integers(0, 6000), max_size=5),
    deflate=st.booleans(),
)
@settings(max_examples=300)
async def test_any_stream(frames: list[bytes], noise: bytes, cuts: list[int], deflate: bool) -> None:
    data = b"".join(frames) + noise
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    limits: dict[str, Any] = {"connect_bytes": LIMIT, "command_rate": 1e6, "command_burst": 1_000_000}
    chosen = Settings(database_url="", nats_url=("",), issuer="", jwks_url="https://x", client_ids=("",), **limits)
    shared = Endpoints(asyncio.get_running_loop(), chosen, set())
    assert by_us(pieces, deflate, shared)[0] == by_the_library(data, deflate)


def closing(shared: Endpoints, before: bytes) -> tuple[WebSocketEndpoint, Wire]:
    """A connection that the server has closed after these bytes, while its client has not answered yet."""
    wire = Wire()
    endpoint = WebSocketEndpoint(shared, wire, Extension(b"x", BITS, True))
    endpoint.open(Recorder([]))
    endpoint.data_received(before)
    endpoint.close(CloseCode.DRAIN, "")
    return endpoint, wire


UNREADABLE = frame(TEXT, b"\xff\xff\xff", rsv1=True)


@pytest.mark.parametrize("before", [WHOLE, frame(TEXT, b"a", fin=False) + frame(CONT)], ids=["here", "library"])
async def test_messages_behind_a_close_stay_compressed(shared: Endpoints, before: bytes) -> None:
    endpoint, wire = closing(shared, before)
    endpoint.data_received(UNREADABLE + WHOLE)
    # Had the message been unpacked, that would have been an error, and the end.
    assert not wire.closed
    endpoint.data_received(UNREADABLE + frame(CLOSE, b"\x03\xe8"))
    assert wire.closed
    endpoint.connection_lost(None)


@pytest.mark.parametrize("before", [WHOLE, frame(TEXT, b"a", fin=False) + frame(CONT)], ids=["here", "library"])
async def test_a_flood_behind_a_close_is_not_read_however_it_is_cut(shared: Endpoints, before: bytes) -> None:
    endpoint, _ = closing(shared, before)
    for _ in range(LIMIT // len(WHOLE)):
        endpoint.data_received(WHOLE)
        assert not endpoint.deaf
    endpoint.data_received(WHOLE)
    assert endpoint.deaf
    endpoint.connection_lost(None)
