"""Answers of routes."""

from __future__ import annotations

from typing import Any

import httpx


def done(answer: httpx.Response, status: int = 200) -> Any:
    """The body of an answer, which must have this status."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """The answer must be a problem with this status and code."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
