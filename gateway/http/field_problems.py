"""Says which field of a request is wrong and why, by the field's own name and in words that a caller knows.

Litestar and msgspec name our functions' parameters and quote patterns; a caller knows neither.
"""

from __future__ import annotations

import enum
import re
from typing import Any, Final, Literal, get_args, get_origin

from litestar import Litestar
from litestar.routes import HTTPRoute

from gateway.http.moments import DAY_OR_MOMENT, MOMENT

NAMES_OPT: Final = "query_names"
CHOICES_OPT: Final = "query_choices"
# What msgspec says of a field, and of a time in a query.
LACKING: Final = re.compile(r"Object missing required field `([^`]+)`")
NO_CHOICE: Final = "Invalid enum value"
NO_MOMENT: Final = {
    f"Expected `str` matching regex {MOMENT!r}": "must be a time such as 2026-04-30T18:30:00Z",
    f"Expected `str` matching regex {DAY_OR_MOMENT!r}": "must be a day such as 2026-04-30, or a time such as"
    " 2026-04-30T18:30:00Z",
}
# How Litestar names the body as a whole.
BODY: Final = "data"


def learn_names(app: Litestar) -> None:
    """Note with each route how its query parameters are called outside, and what those with a few values take."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                known = handler.parsed_fn_signature.parameters
                taken = {one.field_name: one.field_alias for one in model.expected_query_params}
                handler.opt[NAMES_OPT] = taken
                handler.opt[CHOICES_OPT] = {
                    name: found for name in taken if name in known and (found := choices(known[name].annotation))
                }


def choices(kind: Any) -> list[str]:
    """The values of an enumeration, also of one that may be left out; none of any other type."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [str(one.value) for one in kind]
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return [str(one) for one in inner]
    return [value for one in inner if get_origin(kind) is not dict for value in choices(one)]


def field_problem(item: dict[str, Any]) -> dict[str, Any]:
    """One of Litestar's findings as a `FieldProblem`, in words for a caller."""
    field, message = str(item.get("key", "")), str(item.get("message", ""))
    if lacking := LACKING.match(message):
        field = lacking[1] if field in ("", BODY) else f"{field}.{lacking[1]}"
        message = "is required"
    message = NO_MOMENT.get(message, message)
    found = {"field": field, "message": message}
    if source := item.get("source"):
        found["in"] = getattr(source, "value", source)
    return found


def by_route(found: dict[str, Any], opt: dict[str, Any]) -> dict[str, Any]:
    """The same with the name and the values of the route's query parameter."""
    name = found["field"]
    if found.get("in") != "query" or name not in opt.get(NAMES_OPT, {}):
        return found
    message = found["message"]
    if message.startswith(NO_CHOICE) and (known := opt[CHOICES_OPT].get(name)):
        message = f"must be one of: {', '.join(known)}"
    return {**found, "field": opt[NAMES_OPT][name], "message": message}
