"""The client's own copy of the messages and codes is the gateway's."""

from __future__ import annotations

import typing

import msgspec
import pytest

from gateway import errors, principal
from gateway.protocol import messages as theirs
from ksmp_client import codes
from ksmp_client import messages as ours

PAIRS: list[tuple[type[msgspec.Struct], type[msgspec.Struct]]] = [
    (ours.Position, theirs.Position),
    (ours.Author, principal.Author),
    (ours.User, theirs.User),
    (ours.Push, theirs.Push),
    (ours.ErrorBody, theirs.ErrorBody),
    (ours.JoinResult, theirs.JoinResult),
    (ours.RefreshResult, theirs.RefreshResult),
    (ours.HistoryResult, theirs.HistoryResult),
    (ours.CanData, theirs.Can),
    (ours.LeftData, theirs.Left),
    (ours.Disconnect, theirs.Disconnect),
]


def described(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The type of each field by the field's name on the wire. Structs count by their names, limits not at all."""
    hints = typing.get_type_hints(struct)
    return {
        field.encode_name: str(hints[field.name]).replace(struct.__module__, "").replace(principal.__name__, "")
        for field in msgspec.structs.fields(struct)
    }


@pytest.mark.parametrize(("mine", "server"), PAIRS, ids=lambda struct: struct.__name__)
def test_fields_are_those_of_the_gateway(mine: type[msgspec.Struct], server: type[msgspec.Struct]) -> None:
    assert described(mine) == described(server)


def test_pushes_have_the_names_of_the_gateway() -> None:
    assert ours.CanData.push == theirs.Can.push
    assert ours.LeftData.push == theirs.Left.push
    assert ours.Disconnect.push == theirs.Disconnect.push


def test_every_struct_is_compared() -> None:
    structs = {value for value in vars(ours).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)}
    assert structs == {mine for mine, _ in PAIRS}


def test_a_message_of_the_gateway_is_read() -> None:
    author = principal.Author("u1", "Asha", "mentor")
    push = theirs.Push(push="chat.message", room="session:a", seq=2, prev=1, at=3, author=author, data={"text": "hi"})
    result = theirs.JoinResult(room="session:a", epoch="e", seq=2, messages=[push], members=1, can=["chat.send"])
    data = msgspec.json.encode(result)
    read = msgspec.json.decode(data, type=ours.JoinResult)
    assert read.messages[0].author == ours.Author("u1", "Asha", "mentor")
    assert msgspec.json.encode(read) == data


def test_a_field_that_a_newer_gateway_adds_is_ignored() -> None:
    assert msgspec.json.decode(b'{"epoch":"e","seq":1,"more":[]}', type=ours.Position) == ours.Position("e", 1)


def test_codes() -> None:
    sent = {code.name: code.value for code in errors.Code if code not in errors.HTTP_ONLY}
    assert {code.name: code.value for code in codes.Code} == sent
    assert {code.name: code.value for code in codes.CloseCode} == {code.name: code.value for code in errors.CloseCode}
