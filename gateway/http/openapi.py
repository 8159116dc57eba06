"""Describes the API (OpenAPI 3.1).

The conventions are added to every route: its policy, its problems, its headers, and examples of its body and answer
(`example()` of a struct).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any, Final, get_args, get_origin

import msgspec
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import (
    Components,
    Example,
    License,
    OpenAPIHeader,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from gateway.auth.policy import Policy, policy_of
from gateway.contract.command import CommandSpec
from gateway.contract.module import Module
from gateway.errors import HTTP_STATUS, Code
from gateway.http import api_docs, conditional, etag, idempotency
from gateway.http.description import describe, shown
from gateway.http.listing import Page
from gateway.http.problems import REASONS, ProblemDetails

SCHEME: Final = "BearerToken"
SERVICE_SCHEME: Final = "ServiceKey"
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CODES: Final = {
    400: Code.INVALID,
    401: Code.UNAUTHENTICATED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    409: Code.CONFLICT,
    412: Code.PRECONDITION_FAILED,
    413: Code.TOO_LARGE,
    422: Code.KEY_REUSED,
    428: Code.PRECONDITION_REQUIRED,
    429: Code.RATE_LIMITED,
    500: Code.INTERNAL,
    503: Code.UNAVAILABLE,
}
TEMPORARY: Final = frozenset({429, 503})
HEADERS: Final = {
    "X-Request-ID": "The request's id: the caller's own, or one made for it.",
    "RateLimit-Limit": "Requests that may come at once.",
    "RateLimit-Remaining": "Requests that may follow at once.",
    "RateLimit-Reset": "Seconds until all of them may.",
    "RateLimit-Policy": "The limit and its window, `200;w=10`.",
    "Retry-After": "Seconds to wait.",
    "ETag": "Names what was read: for `If-None-Match`, and where it is an entity's revision for `If-Match`.",
}
UNCHANGED: Final = ResponseSpec(None, generate_examples=False, description="As it was when it had this ETag")
ON_EVERY: Final = ("X-Request-ID",)
WHEN_LIMITED: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
ABOUT: Final = """The REST side of the platform; rooms are on the WebSocket at `/realtime`.

Errors are problem details (RFC 9457) with a stable `code`. Lists take `limit` and `cursor` and answer `items` and
`next`. Creating and charging take an `Idempotency-Key`. Updates take `If-Match` with the `ETag` that was read; reads
take it in `If-None-Match`, and answer 304 while nothing changed. Ids are UUIDv7, times RFC 3339 in UTC. Tokens go into
`Authorization: Bearer`; routes of services take an API key there, and no user's token."""


def config(modules: Sequence[Module], commands: Mapping[str, CommandSpec]) -> OpenAPIConfig:
    """The description of the routes, of these modules' codes and of the commands."""
    return OpenAPIConfig(
        title="KSMP",
        version=version("ksmp"),
        description=ABOUT,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        components=Components(
            security_schemes={
                SCHEME: SecurityScheme(
                    type="http", scheme="bearer", bearer_format="JWT", description="A token of the user pool."
                ),
                SERVICE_SCHEME: SecurityScheme(
                    type="http", scheme="bearer", description="An API key of a service: for its routes alone."
                ),
            },
            headers={
                name: OpenAPIHeader(description=text, schema=Schema(type=OpenAPIType.STRING))
                for name, text in HEADERS.items()
            },
        ),
        render_plugins=[api_docs.OwnPages()],
        openapi_router=api_docs.router(partial(describe, modules=modules, commands=commands)),
    )


def _operation_id(handler: HTTPRouteHandler, method: Any, path: Any) -> str:
    """`accounts.me`: the module's name and the handler's."""
    return ".".join([*handler.resolve_tags()[:1], handler.handler_name])


class Conventions(ReceiveRoutePlugin):
    """Completes the description of each route when Litestar registers it."""

    def receive_route(self, route: BaseRoute) -> None:
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            policy = policy_of(handler)
            if policy is not None and handler.resolve_include_in_schema():
                self._complete(route, handler, policy)

    def _complete(self, route: HTTPRoute, handler: HTTPRouteHandler, policy: Policy) -> None:
        said = handler.description or (handler.fn.__doc__ or "").strip()
        handler.description = f"{said}\n\n{policy}".strip()
        if policy.asks == "always":
            handler.security = [{SCHEME: []}]
        elif policy.asks == "service":
            handler.security = [{SERVICE_SCHEME: []}]
        elif policy.asks == "maybe":
            handler.security = [{}, {SCHEME: []}]
        handler.responses = {
            **{status: _problem(status) for status in sorted(_statuses(route, handler, policy))},
            **({304: UNCHANGED} if is_conditional(handler) else {}),
            **(handler.responses or {}),
        }
        handler.operation_class = _operation(handler, policy)


def _statuses(route: HTTPRoute, handler: HTTPRouteHandler, policy: Policy) -> Iterator[int]:
    yield 500
    if policy.limited:
        # A route without token and limits needs neither NATS nor PostgreSQL.
        yield from (429, 503)
    names = set(handler.parsed_fn_signature.parameters)
    if route.path_parameters or names - {"principal", "visitor", "service", "request", "arrived_at"}:
        yield 400
    if policy.asks == "maybe":
        yield 401
    if policy.asks in ("always", "service"):
        yield from (401, 403)
    if route.path_parameters or handler.opt.get("missing"):
        # Its path or its body names something.
        yield 404
    if handler.http_methods & UNSAFE:
        yield from (400, 409, 413)
    if handler.opt.get("conflict"):
        # The resource exists only in some states.
        yield 409
    if handler.opt.get(idempotency.OPT):
        yield 422
    if "if_match" in names:
        yield from (412, 428)


def _problem(status: int) -> ResponseSpec:
    codes = sorted({code for code, number in HTTP_STATUS.items() if number == status})
    example = {
        "status": status,
        "title": REASONS[status],
        "detail": "a sentence for people",
        "code": CODES[status],
        "temporary": status in TEMPORARY,
        "request_id": "01a2130d-48bf-7174-b972-596a06fb2346",
    }
    if status == 400:
        example["errors"] = [{"field": "title", "message": "Expected `str`, got `int`", "in": "body"}]
    return ResponseSpec(
        data_container=ProblemDetails,
        generate_examples=False,
        description=f"{REASONS[status]}: `{'`, `'.join(codes)}`",
        media_type="application/problem+json",
        examples=[Example(value=example)],
    )


def _operation(handler: HTTPRouteHandler, policy: Policy) -> Any:
    """Wraps the operation class of a route: adds headers, parameters and examples."""

    made = handler.operation_class

    def make(**parts: Any) -> Operation:
        operation = made(**parts)
        if "if_match" in handler.parsed_fn_signature.parameters:
            operation.parameters = [*(operation.parameters or ()), _if_match()]
        if is_conditional(handler):
            operation.parameters = [*(operation.parameters or ()), _if_none_match()]
        if wanted := handler.opt.get(idempotency.OPT):
            operation.parameters = [*(operation.parameters or ()), _idempotency_key(wanted == "required")]
        returned = shown(handler.parsed_fn_signature.return_type.annotation)
        responses: dict[str, Any] = operation.responses or {}
        for status, response in responses.items():
            names = [*ON_EVERY, *(WHEN_LIMITED if policy.limited else ())]
            if int(status) in TEMPORARY:
                names.append("Retry-After")
            if status == str(handler.status_code):
                _illustrate(response.content, returned)
                tagged = hasattr(returned, "rev") or "rev" in getattr(returned, "__struct_fields__", ())
                if tagged or is_conditional(handler):
                    names.append("ETag")
            if status == "304":
                names.append("ETag")
            for name in names:
                response.headers = {**(response.headers or {}), name: Reference(ref=f"#/components/headers/{name}")}
        data, body = handler.parsed_fn_signature.parameters.get("data"), operation.request_body
        if data is not None and isinstance(body, RequestBody):
            _illustrate(body.content, data.annotation)
        return operation

    return make


def _idempotency_key(required: bool) -> Parameter:
    return Parameter(
        name=idempotency.HEADER,
        param_in="header",
        required=required,
        description="Repeating the request with the same key answers as the first did, and does nothing.",
        schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255, pattern="^[\\x21-\\x7e]+$"),
        example="7c0a4f3e-0d6b-4d0f-9a53-6f1f7a1f2f11",
    )


def _if_match() -> Parameter:
    return Parameter(
        name=etag.HEADER,
        param_in="header",
        required=True,
        description='The ETag that was read, such as `"3"`, or several; `*` is any.',
        schema=Schema(type=OpenAPIType.STRING, pattern=etag.PATTERN, max_length=1000),
        example='"3"',
    )


def _if_none_match() -> Parameter:
    return Parameter(
        name=conditional.HEADER,
        param_in="header",
        required=False,
        description="The ETag that was read before, or several; what is still the same is answered with 304.",
        schema=Schema(type=OpenAPIType.STRING),
        example='"3"',
    )


def is_conditional(handler: HTTPRouteHandler) -> bool:
    """Whether the route's answer is of a kind that may be asked for with `If-None-Match`."""
    if "GET" not in handler.http_methods or not handler.opt.get(conditional.OPT):
        return False
    if handler.media_type == conditional.CALENDAR:
        return True
    # Empty for a route that returns a Response, which may be JSON; files are bytes of a type that the route states.
    return (
        handler.media_type in ("", MediaType.JSON)
        and shown(handler.parsed_fn_signature.return_type.annotation) is not bytes
    )


def _illustrate(content: Mapping[str, Any] | None, kind: Any) -> None:
    example = example_of(kind)
    for media in (content or {}).values():
        if example is not None and media.example is None and not media.examples:
            # As JSON, because Litestar leaves out whatever is None.
            media.example = msgspec.Raw(msgspec.json.encode(example))


def example_of(kind: Any) -> Any:
    """The example of a struct, or of a page or list of structs; None when the struct has none."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Page and (item := example_of(arguments[0])) is not None:
        return Page([item], None)
    if origin is list and (item := example_of(arguments[0])) is not None:
        return [item]
    make = getattr(kind, "example", None)
    return make() if callable(make) else None
