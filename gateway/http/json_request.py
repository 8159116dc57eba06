"""Reads the JSON body of a request, with the codec of sockets' own refusals for what is none."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException
from litestar.types import Empty

from gateway.errors import BadInput, KsmpError, invalid
from gateway.http.unknown_fields import unknown
from gateway.protocol.bad_text import mended_json

# Fields that one answer names.
MOST: Final = 20
# What msgspec says of a value of another kind, and where in the body it is.
KIND: Final = re.compile(r"(?P<message>Expected `[^`]+`, got `[^`]+`) - at `\$\.(?P<path>[^`]+)`")

_decode = msgspec.json.Decoder().decode


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is read once. It is refused with `invalid` when it is no JSON or has unknown fields."""

    async def json(self) -> Any:
        """The body as dicts, lists, strings and numbers, None for an empty one; raises what becomes `invalid`."""
        held = self._connection_state
        if held.json is Empty:
            held.json = _read(await self.body() or b"null")
            self._check_fields(held.json)
        return held.json

    def _check_fields(self, body: Any) -> None:
        """Raise ValidationException, which names each field that the route's body does not have."""
        signature = getattr(self.scope["route_handler"], "parsed_fn_signature", None)
        data = signature.parameters.get("data") if signature is not None else None
        if data is None:
            return
        if found := unknown(data.annotation, body):
            extra = [{"key": name, "message": "there is no such field", "source": "body"} for name in found[:MOST]]
            raise ValidationException("unknown fields", extra=extra)
        _check_kinds(data.annotation, body)


def _check_kinds(kind: Any, body: Any) -> None:
    """Raise ValidationException for a field of another kind than its type's, such as a number in quotes.

    Litestar converts bodies as it does queries, where everything is text, and would take it. All else that may be wrong
    with a body is left to it.
    """
    try:
        msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        said = KIND.fullmatch(str(error))
        if said is not None:
            wrong = {"key": said["path"], "message": said["message"], "source": "body"}
            raise ValidationException("a field of another kind", extra=[wrong]) from None
    except (KsmpError, TypeError):
        return


def check_address(request: Request[Any, Any, Any]) -> None:
    """Raise BadInput `invalid` for a path or a query whose escapes are no UTF-8."""
    scope = request.scope
    for place, escaped in (("path", scope["raw_path"]), ("query", scope["query_string"])):
        if b"%" in escaped or not escaped.isascii():
            try:
                unquote_to_bytes(escaped).decode()
            except UnicodeDecodeError:
                raise invalid(f"the {place} is not UTF-8") from None


def _read(body: bytes) -> Any:
    try:
        return _decode(body)
    except RecursionError:
        raise invalid("the body is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refusal(body, error) from None


def _refusal(body: bytes, error: Exception) -> BadInput:
    """Says whether the body is no JSON, or JSON with a text that is not Unicode."""
    try:
        _decode(mended_json(body))
    except (ValueError, RecursionError):
        return invalid(f"the body is not valid JSON: {error}")
    return invalid("a text of the body is not valid Unicode: half of a surrogate pair, or bytes that are not UTF-8")
