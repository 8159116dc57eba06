"""Names on the wire: an accepted name is safe as a token of a NATS subject and as a header."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput, Code
from gateway.protocol.names import is_command, is_nonce, is_user_id, room_name

UNSAFE = re.compile(r"[\s.*>\0]")
texts = st.text(max_size=80) | st.text(alphabet="aZ0_-.:>* \r\n\0é٣", max_size=80)


@pytest.mark.parametrize("text", ["session:42", "user:A_b-9", "a:" + "x" * 64, "k" * 32 + ":1", "a1_b:-", "a:_"])
def test_a_room_is_a_kind_and_an_id(text: str) -> None:
    name = room_name(text)
    assert (name.kind, name.id) == tuple(text.split(":"))
    assert str(name) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "session",
        "session:",
        ":42",
        "session:a:b",
        "session:a.b",
        "session:*",
        "session:>",
        "session:a b",
        "Session:1",
        "1a:1",
        "session:" + "x" * 65,
        "k" * 33 + ":1",
        "session:é",
        "session:٣",
        "session:1\n",
        " a:1",
        "session:1\r\nNats-Msg-Id: x",
        "session:\0",
        "séssion:1",
        "a-b:1",
    ],
)
def test_anything_else_is_no_room(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        room_name(text)
    assert caught.value.code == Code.INVALID


@given(texts | st.from_regex(r"[a-z]{1,3}:.{1,5}", fullmatch=True))
def test_no_room_can_break_out_of_its_subject(text: str) -> None:
    try:
        name = room_name(text)
    except BadInput:
        return
    assert str(name) == text
    assert name.kind
    assert name.id
    assert not UNSAFE.search(name.kind + name.id)


@pytest.mark.parametrize("text", ["join", "chat.send", "a.b", "a_1.b_2", "x" * 32, "a." + "b" * 64])
def test_commands(text: str) -> None:
    assert is_command(text)


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".b", "a.b.c", "A.b", "a.B", "a b", "1.a", "a.1", "a\n", "x" * 33, "é"]
)
def test_no_commands(text: str) -> None:
    assert not is_command(text)


@pytest.mark.parametrize("text", ["a", "0", "x" * 64, "A_z.0:9-"])
def test_nonces(text: str) -> None:
    assert is_nonce(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a\n", "é", "a/b", "٣", "a\r\nb"])
def test_no_nonces(text: str) -> None:
    assert not is_nonce(text)


@given(texts)
def test_users_and_nonces_are_plain_ascii(text: str) -> None:
    if is_nonce(text):
        assert re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", text)
        assert text.isascii()
    if is_user_id(text):
        assert text.isascii()
        assert room_name(f"user:{text}").id == text
