"""Errors of HTTP routes as problem details (RFC 9457) with a stable `code`.

{"status": 400, "title": "Bad Request", "detail": "…", "code": "invalid", "temporary": false,
 "request_id": "…", "errors": [{"field": "title", "message": "…", "in": "body"}]}
"""

from __future__ import annotations

import http
import math
import re
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsException, ProblemDetailsPlugin
from litestar.response import Response
from litestar.types import Receive, Scope, Send

from gateway.db.database import unstorable
from gateway.errors import HTTP_STATUS, BadInput, Code, Conflict, KsmpError, invalid
from gateway.http import allowed_methods
from gateway.http.envelope import request_id
from gateway.http.field_problems import by_route, field_problem

log = structlog.get_logger(__name__)

# Codes of the socket alone, each of which shares its status with another code.
SOCKET_ONLY = (Code.NOT_JOINED, Code.UNKNOWN_COMMAND, Code.TOKEN_EXPIRED)
BY_STATUS = {status: code for code, status in HTTP_STATUS.items() if code not in SOCKET_ONLY}
# What Litestar raises when the client leaves before the end of its body.
GONE: Final = "client disconnected prematurely"
# Litestar says it in its detail alone, with the whole path.
MISSING: Final = re.compile(r"Missing required (query|header|cookie) parameter '(.+?)' for ")
REASONS: Final = {status.value: status.phrase for status in http.HTTPStatus}


class FieldProblem(msgspec.Struct, frozen=True, rename={"place": "in"}):
    """The error of one field; `in` says whether the field is in `body`, `query`, `path` or `header`."""

    field: str
    message: str
    place: str | msgspec.UnsetType = msgspec.UNSET


class ProblemDetails(msgspec.Struct, frozen=True):
    """An error (RFC 9457). `code` is stable; `temporary` says whether the same request may succeed later.

    `current` is with a few conflicts of edits: the entity as somebody else has written it.
    """

    status: int
    title: str
    detail: str
    code: str
    temporary: bool
    request_id: str
    errors: list[FieldProblem] | msgspec.UnsetType = msgspec.UNSET
    current: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class Problem(ProblemDetailsException):
    """A problem as Litestar's plugin answers it, with title and request id."""

    def to_response(self, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        self.title = REASONS.get(self.status_code, "Error")
        if self.headers and "allow" in self.headers:
            methods = self.headers["allow"].split(", ")
            self.headers = {**self.headers, "allow": allowed_methods.listed(request.scope["path"], methods)}
        if isinstance(self.extra, dict):
            self.extra["request_id"] = request_id(request.scope)
            if (errors := self.extra.get("errors")) and (handler := request.scope.get("route_handler")) is not None:
                self.extra["errors"] = [by_route(found, handler.opt) for found in errors]
        return super().to_response(request)


def plugin() -> ProblemDetailsPlugin:
    return ProblemDetailsPlugin(
        ProblemDetailsConfig(
            exception_to_problem_detail_map={
                KsmpError: _business,
                HTTPException: _http,
                asyncpg.DataError: _unstorable,
                OverflowError: _out_of_range,
            }
        )
    )


def internal(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer an unexpected exception. The log has its traceback; the caller gets only the request's id."""
    if isinstance(error, InternalServerException) and error.detail == GONE:
        # Nobody reads the answer, and it is not the gateway's fault.
        log.info("request.abandoned", path=request.url.path)
    else:
        log.error("request.failed", path=request.url.path, exc_info=error)
    extra = {"code": Code.INTERNAL, "temporary": False}
    return Problem(status_code=500, detail="internal error", extra=extra).to_response(request)


async def answer(error: KsmpError | HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a problem from a middleware, where Litestar does not handle exceptions."""
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    problem = _business(error) if isinstance(error, KsmpError) else _http(error)
    await problem.to_response(request).to_asgi_response(app=None, request=request)(scope, receive, send)


def _business(error: KsmpError) -> ProblemDetailsException:
    status = HTTP_STATUS.get(error.code, error.status)
    extra: dict[str, Any] = {"code": error.code, "temporary": error.temporary}
    if isinstance(error, BadInput) and error.field is not None:
        extra["errors"] = [{"field": error.field, "message": error.message}]
    if isinstance(error, Conflict) and error.current is not None:
        extra["current"] = error.current
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Problem(status_code=status, detail=error.message, extra=extra, headers=headers)


def _http(error: HTTPException) -> ProblemDetailsException:
    code = BY_STATUS.get(error.status_code, Code.INVALID if error.status_code < 500 else Code.INTERNAL)
    extra: dict[str, Any] = {"code": code, "temporary": code == Code.UNAVAILABLE}
    if isinstance(error.extra, list):
        extra["errors"] = [field_problem(item) for item in error.extra if isinstance(item, dict)]
    elif missing := MISSING.match(error.detail):
        extra["errors"] = [{"field": missing[2], "message": "is required", "in": missing[1]}]
    detail = "the request is not as the API describes it" if "errors" in extra else error.detail
    return Problem(status_code=error.status_code, detail=detail, extra=extra, headers=dict(error.headers or {}))


def _unstorable(error: asyncpg.DataError) -> ProblemDetailsException:
    """PostgreSQL cannot hold what was sent; an error for any other reason is the statement's."""
    return _business(unstorable(error) or _unexpected(error))


def _out_of_range(error: OverflowError) -> ProblemDetailsException:
    """Times at the edge of the calendar, and numbers beyond what arithmetic holds, come from callers alone."""
    return _business(invalid("a number or a time is out of range"))


def _unexpected(error: Exception) -> KsmpError:
    log.error("request.failed", exc_info=error)
    return KsmpError(Code.INTERNAL, "internal error")
