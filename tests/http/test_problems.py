"""Errors of HTTP routes are problem details (RFC 9457) with a code of ours."""

from __future__ import annotations

import httpx
import pytest

from gateway.app import Gateway
from gateway.asgi import create_app


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("POST", "/health/live", 405, "method_not_allowed"),
        ("DELETE", "/health/ready", 405, "method_not_allowed"),
        ("PUT", "/api/v1/auth/me", 405, "method_not_allowed"),
        ("GET", "/dev/token", 400, "invalid"),
        ("GET", "/dev/token?user=a&role=emperor", 400, "invalid"),
        ("GET", "/dev/token?user=a.b&role=student", 400, "invalid"),
    ],
)
async def test_problem_details(http: httpx.AsyncClient, method: str, path: str, status: int, code: str) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].partition(";")[0] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["title"]
    assert "Traceback" not in answer.text


async def test_a_parameter_that_is_missing_is_named(http: httpx.AsyncClient) -> None:
    problem = (await http.get("/dev/token", params={"role": "student"})).json()
    assert problem["errors"] == [{"field": "user", "message": "is required", "in": "query"}]
    assert "student" not in problem["detail"]


async def test_a_plain_request_of_the_socket_s_path_is_a_problem_too(http: httpx.AsyncClient) -> None:
    answer = await http.get("/realtime")
    assert answer.status_code in (400, 404, 405, 426)
    assert answer.headers["content-type"].partition(";")[0] == "application/problem+json"


async def test_the_development_issuer_s_token_opens_a_socket(http: httpx.AsyncClient) -> None:
    keys = (await http.get("/dev/jwks.json")).json()["keys"]
    assert [key["alg"] for key in keys] == ["RS256"]
    assert "d" not in keys[0]
    answer = await http.get("/dev/token", params={"user": "dana", "role": "mentor", "name": "Dana"})
    assert answer.status_code == 200
    assert answer.json()["token"].count(".") == 2


def test_no_error_stops_the_process_for_a_debugger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITESTAR_PDB", "1")
    assert create_app(Gateway.described([])).pdb_on_exception is False
