"""The two codecs, JSON and msgpack. Both carry the JSON data model and decode to the same structures.

msgpack can express more than JSON: binary, extension types, NaN, keys that are not strings. All of that is refused, so
that a module never sees a difference between the two.
"""

from __future__ import annotations

import math
from typing import Any, Final, Protocol

import msgspec

from gateway.protocol.bad_text import mended_json, mended_msgpack

# Deeper than any real message, and too shallow to reach the recursion limit.
MAX_DEPTH: Final = 32


class DecodeError(ValueError):
    """The bytes are not one message of the codec's data model."""


class BadText(DecodeError):
    """All that is wrong with the bytes is that a text is not Unicode. `value` is the message, its bad texts mended."""

    def __init__(self, value: Any) -> None:
        super().__init__("a text is not valid Unicode: half of a surrogate pair, or bytes that are not UTF-8")
        self.value = value


class Codec(Protocol):
    """One subprotocol: how a message becomes the payload of a WebSocket message."""

    subprotocol: str
    text: bool

    def encode(self, message: Any) -> bytes:
        """The payload."""

    def decode(self, data: bytes) -> Any:
        """Plain dicts, lists, strings, numbers; raises DecodeError, of which BadText is one, and nothing else."""


class JsonCodec:
    subprotocol = "ksmp.v1.json"
    text = True

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder().decode

    def encode(self, message: Any) -> bytes:
        return self._encode(message)

    def decode(self, data: bytes) -> Any:
        try:
            value = self._decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            mended = mended_json(data)
            if mended != data:
                raise BadText(self.decode(mended)) from None
            raise DecodeError("not valid JSON") from error
        _check_data_model(value)
        return value


class MsgpackCodec:
    subprotocol = "ksmp.v1.msgpack"
    text = False

    def __init__(self) -> None:
        self._pack = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder().decode

    def encode(self, message: Any) -> bytes:
        # Times and binary are strings in JSON, so they are strings in msgpack too.
        return self._pack(msgspec.to_builtins(message))

    def decode(self, data: bytes) -> Any:
        try:
            value = self._decode(data)
        except UnicodeDecodeError as error:
            mended = mended_msgpack(data)
            if mended == data:
                raise DecodeError("not valid msgpack") from error
            raise BadText(self.decode(mended)) from None
        except (msgspec.DecodeError, RecursionError, TypeError, ValueError) as error:
            # A key that is itself a map raises TypeError (unhashable), a timestamp out of range ValueError.
            raise DecodeError("not valid msgpack") from error
        _check_data_model(value)
        return value


def _check_data_model(value: Any, depth: int = 0) -> None:
    """Refuse values outside of the JSON data model, and numbers that JSON in other languages cannot read back."""
    if depth > MAX_DEPTH:
        raise DecodeError("nested too deeply")
    match value:
        case None | bool() | str():
            return
        case int():
            if not -(2**63) <= value < 2**64:
                raise DecodeError("an integer is out of range")
        case float():
            if not math.isfinite(value):
                raise DecodeError("NaN and infinity are not in the data model")
        case list():
            for item in value:
                _check_data_model(item, depth + 1)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise DecodeError("map keys must be strings")
                _check_data_model(item, depth + 1)
        case _:
            raise DecodeError(f"{type(value).__name__} is not in the data model")


JSON: Final[Codec] = JsonCodec()
MSGPACK: Final[Codec] = MsgpackCodec()
CODECS: Final[dict[str, Codec]] = {codec.subprotocol: codec for codec in (JSON, MSGPACK)}


def choose(offered: list[str]) -> tuple[Codec, str | None]:
    """The codec for the offered subprotocols and the one to accept; JSON when none of ours is offered."""
    for name in offered:
        if name in CODECS:
            return CODECS[name], name
    return JSON, None
