"""The tables of error codes and close codes hold together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from websockets.frames import Close

import gateway
from gateway.errors import (
    CLOSE_REASON,
    HTTP_ONLY,
    HTTP_STATUS,
    BadInput,
    CloseCode,
    Code,
    KsmpError,
    Limited,
    Refused,
    Unavailable,
    forbidden,
    invalid,
    not_found,
)
from gateway.http.problems import BY_STATUS

PROTOCOL = (Path(gateway.__file__).parent / "protocol" / "PROTOCOL.md").read_text()


def test_error_codes_are_words_without_a_dot() -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in Code)
    assert all(str(code) == code.value for code in Code)


def test_every_error_code_has_an_http_status() -> None:
    assert set(HTTP_STATUS) == set(Code)
    assert all(400 <= status <= 599 for status in HTTP_STATUS.values())
    assert {code for code, status in HTTP_STATUS.items() if status >= 500} == {Code.UNAVAILABLE, Code.INTERNAL}


def test_every_http_status_leads_back_to_one_code() -> None:
    assert set(BY_STATUS) == set(HTTP_STATUS.values())
    assert all(HTTP_STATUS[code] == status for status, code in BY_STATUS.items())
    assert (BY_STATUS[401], BY_STATUS[404], BY_STATUS[409]) == (Code.UNAUTHENTICATED, Code.NOT_FOUND, Code.CONFLICT)


def test_close_codes_say_by_their_range_whether_to_come_back() -> None:
    for code in CloseCode:
        assert 4000 <= code <= 4999
        assert code.reconnect is (code < 4500)
    assert {code for code in CloseCode if code.reconnect} == {
        CloseCode.DRAIN,
        CloseCode.SLOW,
        CloseCode.PING_TIMEOUT,
        CloseCode.BUS_LOST,
        CloseCode.TOKEN_EXPIRED,
    }


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_has_a_reason_that_fits_its_frame(code: CloseCode) -> None:
    assert set(CLOSE_REASON) == set(CloseCode)
    assert code.reason
    payload = Close(code, code.reason).serialize()
    assert len(payload) <= 125
    assert len(code.reason.encode()) <= 123
    assert Close.parse(payload) == Close(int(code), code.reason)


def test_the_protocol_s_page_has_the_same_tables() -> None:
    rows = re.findall(r"\| (4\d\d\d) \| ([^|]+?) \|", PROTOCOL)
    assert {int(number) for number, _ in rows} == {int(code) for code in CloseCode}
    for number, reason in rows:
        assert reason.split(":")[0].split(" ")[0] in CloseCode(int(number)).reason
    sentence = re.search(r"Error codes of the core: (.+?)\.", PROTOCOL, re.DOTALL)
    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == set(Code) - HTTP_ONLY


@pytest.mark.parametrize(
    ("error", "code", "temporary", "retry_after"),
    [
        (invalid("x"), "invalid", False, None),
        (not_found("x"), "not_found", False, None),
        (forbidden("x"), "forbidden", False, None),
        (BadInput("chat.odd", "x"), "chat.odd", False, None),
        (Refused(Code.TOKEN_EXPIRED, "x"), "token_expired", False, None),
        (Limited("x", retry_after=2.5), "rate_limited", True, 2.5),
        (Limited("x", retry_after=2.5, code="chat.slow_mode"), "chat.slow_mode", True, 2.5),
        (Unavailable("x"), "unavailable", True, 1.0),
        (Unavailable("x", retry_after=None), "unavailable", True, None),
    ],
)
def test_an_error_says_whether_to_try_again(
    error: KsmpError, code: str, temporary: bool, retry_after: float | None
) -> None:
    assert (error.code, error.message, error.temporary, error.retry_after) == (code, "x", temporary, retry_after)
    assert type(error.code) is str
    assert str(error) == "x"
