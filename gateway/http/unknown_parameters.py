"""Finds query parameters that a route does not have: a misspelt filter or cursor would vanish without a word.

It holds for the routes under `/api/v1`. A route whose address others extend on its way, such as one that a vendor
leads browsers to, is declared with `any_query=True`.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Litestar, Request
from litestar.routes import HTTPRoute

from gateway.errors import invalid

API: Final = "/api/v1/"
ANY_OPT: Final = "any_query"
KNOWN_OPT: Final = "query_parameters"
# As much of a name as an answer repeats.
SHOWN: Final = 100


def learn_parameters(app: Litestar) -> None:
    """Note with each route which query parameters it and its dependencies take."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(API):
            for handler, model in route.route_handler_map.values():
                if not handler.opt.get(ANY_OPT):
                    names = {parameter.field_alias for parameter in model.expected_query_params}
                    handler.opt[KNOWN_OPT] = frozenset(names)


def check_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise BadInput `invalid` for a query parameter that the route does not have."""
    scope = request.scope
    if not scope["query_string"] or request.method == "OPTIONS":
        return
    known: frozenset[str] | None = scope["route_handler"].opt.get(KNOWN_OPT)
    if known is None:
        return
    for name in request.query_params:
        if name not in known:
            raise invalid("there is no such query parameter", field=name[:SHOWN])
