"""Both codecs carry the same data model, and refuse what JSON cannot express."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.protocol.codec import CODECS, JSON, MAX_DEPTH, MSGPACK, BadText, Codec, DecodeError, choose

codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5), max_leaves=30
)


def exact(value: Any) -> str:
    """Tells 1, 1.0 and True apart, 0.0 and -0.0, and the order of keys, which `==` does not."""
    return repr(value)


def nested(depth: int, *, maps: bool = False) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = {"a": value} if maps else [value]
    return value


@given(values)
@example([0.0, -0.0, 1e16, 1e22, 5e-324, 2**63, -(2**63), 2**64 - 1, True, 1, 1.0])
@example({"": "\0", "\u2028": "\U0001f600", "é": "\ufeff"})
def test_both_codecs_give_the_same_structures(value: Any) -> None:
    read = {name: codec.decode(codec.encode(value)) for name, codec in CODECS.items()}
    assert {exact(one) for one in read.values()} == {exact(value)}


@given(values)
def test_json_is_what_other_libraries_read(value: Any) -> None:
    assert exact(json.loads(JSON.encode(value))) == exact(value)
    assert exact(JSON.decode(json.dumps(value).encode())) == exact(value)


@codecs
@given(st.data())
def test_any_bytes_are_a_value_or_a_decode_error(codec: Codec, data: st.DataObject) -> None:
    message = bytearray(data.draw(st.binary(max_size=200) | values.map(codec.encode)))
    for index, byte in data.draw(st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=5)):
        message[index : index + 1] = bytes([byte])
    try:
        value = codec.decode(bytes(message))
    except DecodeError:
        return
    # A value that was accepted can be encoded in both codecs.
    for other in CODECS.values():
        assert exact(other.decode(other.encode(value))) == exact(value)


@codecs
@pytest.mark.parametrize("maps", [False, True])
def test_nesting_has_a_limit(codec: Codec, maps: bool) -> None:
    deepest = nested(MAX_DEPTH, maps=maps)
    assert codec.decode(codec.encode(deepest)) == deepest
    with pytest.raises(DecodeError):
        codec.decode(codec.encode(nested(MAX_DEPTH + 1, maps=maps)))


REFUSED_JSON = {
    "nothing": b"",
    "two values": b"1 2",
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "a float over the range": b"1e400",
    "an integer over 64 bits": str(2**64).encode(),
    "an integer under 64 bits": str(-(2**63) - 1).encode(),
    "an integer of 30 digits": b'{"id":' + b"1" * 30 + b"}",
    "an integer of 400 digits": b"-" + b"9" * 400,
    "an integer of 5,000 digits": b"[" + b"1" * 5000 + b"]",
    "a lone surrogate as bytes": b'"\xed\xa0\x80"',
    "a lone surrogate as an escape": b'"\\ud800"',
    "a lone surrogate before a letter": b'"\\ud800x"',
    "a low surrogate": b'"\\udc00"',
    "surrogates in the wrong order": b'"\\udc00\\ud800"',
    "bytes that are no UTF-8": b'"\xff"',
    "a key that is no string": b"{1:2}",
    "a byte order mark": b"\xef\xbb\xbf1",
    "UTF-16": "[1]".encode("utf-16"),
    "a raw line break in a string": b'"\n"',
    "10,000 arrays": b"[" * 10_000,
    "10,000 objects": b'{"a":' * 10_000,
}


@pytest.mark.parametrize("data", REFUSED_JSON.values(), ids=REFUSED_JSON.keys())
def test_json_refuses(data: bytes) -> None:
    with pytest.raises(DecodeError):
        JSON.decode(data)


REFUSED_MSGPACK = {
    "nothing": b"",
    "two values": b"\x01\x02",
    "the unused byte": b"\xc1",
    "a binary": b"\xc4\x01a",
    "a binary inside": b"\x81\xa1a\xc4\x01a",
    "an extension": b"\xd4\x05a",
    "an extension of no length": b"\xc7\x00\x05",
    "a timestamp": b"\xd6\xff\x00\x00\x00\x00",
    "a timestamp of 96 bits": b"\xc7\x0c\xff" + b"\x00" * 12,
    "a timestamp in the year 292277026596": b"\xc7\x0c\xff" + b"\x00" * 4 + b"\x7f" + b"\xff" * 7,
    "a timestamp of 9 ns over a second": b"\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00",
    "NaN": b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    "NaN of 32 bits": b"\xca\x7f\xc0\x00\x00",
    "infinity": b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    "infinity inside": b"\x91\xcb\xff\xf0\x00\x00\x00\x00\x00\x00",
    "an integer as a key": b"\x81\x01\x02",
    "nothing as a key": b"\x81\xc0\x02",
    "a binary as a key": b"\x81\xc4\x01a\x02",
    "an array as a key": b"\x81\x90\x02",
    "a map as a key": b"\x81\x80\x02",
    "a lone surrogate": b"\xa3\xed\xa0\x80",
    "bytes that are no UTF-8": b"\xa1\xff",
    "a key that is no UTF-8": b"\x81\xa1\xff\x01",
    "an array that promises 4 billion items": b"\xdd\xff\xff\xff\xff",
    "a map that promises 4 billion items": b"\xdf\xff\xff\xff\xff",
    "a string that promises 4 GB": b"\xdb\xff\xff\xff\xff",
    "10,000 arrays": b"\x91" * 10_000,
    "10,000 maps": b"\x81\xa1a" * 10_000,
}


@pytest.mark.parametrize("data", REFUSED_MSGPACK.values(), ids=REFUSED_MSGPACK.keys())
def test_msgpack_refuses(data: bytes) -> None:
    with pytest.raises(DecodeError):
        MSGPACK.decode(data)


@pytest.mark.parametrize(
    ("offered", "chosen", "accepted"),
    [
        ([], JSON, None),
        (["ksmp.v1.json"], JSON, "ksmp.v1.json"),
        (["ksmp.v1.msgpack"], MSGPACK, "ksmp.v1.msgpack"),
        (["ksmp.v1.msgpack", "ksmp.v1.json"], MSGPACK, "ksmp.v1.msgpack"),
        (["graphql-ws", "ksmp.v1.json"], JSON, "ksmp.v1.json"),
        (["graphql-ws"], JSON, None),
        (["KSMP.V1.MSGPACK"], JSON, None),
    ],
)
def test_the_first_subprotocol_of_ours_chooses(offered: list[str], chosen: Codec, accepted: str | None) -> None:
    assert choose(offered) == (chosen, accepted)


def test_text_is_for_json_and_binary_for_msgpack() -> None:
    assert (JSON.text, MSGPACK.text) == (True, False)


BAD_TEXTS = {
    "a lone surrogate as an escape": (JSON, rb'{"cmd":"x","a":["\ud83d"],"id":7}'),
    "a lone surrogate at the end of a text": (JSON, rb'{"cmd":"x","a":"no\uD83D","id":7}'),
    "a low surrogate": (JSON, rb'{"cmd":"x","a":"\udc00","id":7}'),
    "two high surrogates": (JSON, rb'{"cmd":"x","a":"\ud83d\ud83d\ude00","id":7}'),
    "a lone surrogate in a key": (JSON, rb'{"cmd":"x","\ud83d":1,"id":7}'),
    "a lone surrogate after a backslash": (JSON, rb'{"cmd":"x","a":"\\\ud83d","id":7}'),
    "bytes that are no UTF-8 in JSON": (JSON, b'{"cmd":"x","a":"\xff","id":7}'),
    "a lone surrogate as bytes": (JSON, b'{"cmd":"x","a":"\xed\xa0\xbd","id":7}'),
    "a short string": (MSGPACK, b"\x83\xa3cmd\xa1x\xa1a\xa1\xff\xa2id\x07"),
    "a key": (MSGPACK, b"\x83\xa3cmd\xa1x\xa2\xc0\xaf\xc0\xa2id\x07"),
    "a string of 8 bits": (MSGPACK, b"\x83\xa3cmd\xa1x\xa1a\xd9\x03\xed\xa0\xbd\xa2id\x07"),
    "a string of 16 bits": (MSGPACK, b"\x83\xa3cmd\xa1x\xa1a\xda\x00\x01\xff\xa2id\x07"),
    "a string of 32 bits": (MSGPACK, b"\x83\xa3cmd\xa1x\xa1a\x91\xdb\x00\x00\x00\x01\xff\xa2id\x07"),
    "after every kind of number": (
        MSGPACK,
        b"\x83\xa3cmd\xa1x\xa1a\xdc\x00\x0d\xa1\xff\xca" + bytes(4) + b"\xcb" + bytes(8) + b"\xcc\xff\xcd\xff\xff"
        b"\xce\xff\xff\xff\xff\xcf\x00"
        + b"\xff" * 7
        + b"\xd0\xff\xd1\xff\xff\xd2\xff\xff\xff\xff\xd3"
        + b"\xff" * 8
        + b"\xe0\xdd"
        + bytes(4)
        + b"\xa2id\x07",
    ),
}


@pytest.mark.parametrize(("codec", "data"), BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_a_message_whose_only_fault_is_a_text_can_be_answered(codec: Codec, data: bytes) -> None:
    with pytest.raises(BadText) as bad:
        codec.decode(data)
    assert (bad.value.value["cmd"], bad.value.value["id"]) == ("x", 7)


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        (JSON, rb'{"a":"\ud83d"'),
        (JSON, rb'{"a":"\ud83d","b":NaN}'),
        (JSON, b'{"a":\xff}'),
        (JSON, rb'"\ud83d" 2'),
        (MSGPACK, b"\x82\xa1a\xa1\xff"),
        (MSGPACK, b"\x92\xa1\xff\xc4\x01a"),
        (MSGPACK, b"\xd9\xff\xff"),
    ],
)
def test_a_message_with_another_fault_is_none(codec: Codec, data: bytes) -> None:
    with pytest.raises(DecodeError) as bad:
        codec.decode(data)
    assert not isinstance(bad.value, BadText)


def test_an_escape_that_stands_for_itself_is_no_surrogate() -> None:
    assert JSON.decode(rb'"\\ud83d \ud83d\ude00"') == "\\ud83d \U0001f600"
