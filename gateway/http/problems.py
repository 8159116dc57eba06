"""Errors of HTTP routes as problem details (RFC 9457) with a stable `code`."""

from __future__ import annotations

import math
import uuid
from typing import Any

import structlog
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsException, ProblemDetailsPlugin
from litestar.response import Response

from gateway.errors import HTTP_STATUS, Code, KsmpError

log = structlog.get_logger(__name__)

# Those that share a status with another one are of the socket alone.
SOCKET_ONLY = (Code.NOT_JOINED, Code.UNKNOWN_COMMAND, Code.TOKEN_EXPIRED)
BY_STATUS = {status: code for code, status in HTTP_STATUS.items() if code not in SOCKET_ONLY}


def plugin() -> ProblemDetailsPlugin:
    return ProblemDetailsPlugin(
        ProblemDetailsConfig(exception_to_problem_detail_map={KsmpError: _business, HTTPException: _http})
    )


def internal(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """An exception nobody foresaw: logged with a trace id, of which the caller learns only the id."""
    trace = uuid.uuid4().hex
    log.error("request.failed", path=request.url.path, trace=trace, exc_info=error)
    problem = ProblemDetailsException(
        status_code=500, title="internal error", extra={"code": Code.INTERNAL, "trace": trace}
    )
    return problem.to_response(request)


def _business(error: KsmpError) -> ProblemDetailsException:
    extra: dict[str, Any] = {"code": error.code, "temporary": error.temporary}
    headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))} if error.retry_after is not None else None
    return ProblemDetailsException(
        status_code=HTTP_STATUS.get(error.code, 400), title=error.message, extra=extra, headers=headers
    )


def _http(error: HTTPException) -> ProblemDetailsException:
    code = BY_STATUS.get(error.status_code, Code.INVALID if error.status_code < 500 else Code.INTERNAL)
    return ProblemDetailsException(status_code=error.status_code, title=error.detail, extra={"code": code})
