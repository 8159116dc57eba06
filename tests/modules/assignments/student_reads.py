"""Everything that a student may read by REST: every GET of every module whose policy lets students in.

The list comes from the running gateway, so a new route is walked without being named here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpx

from gateway.principal import Role
from ksmp_testkit import Running
from tests.http.test_policies import routes

# An event stream never ends; the pages of the API are the same for everybody.
LEFT_OUT: Final = re.compile(r"^/(realtime|api/docs|metrics|health|dev)\b")
PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
# Of each problem its own.
REQUEST: Final = re.compile(r'"request_id":"[^"]*"')
# Headers that say something of what is answered.
HEADERS: Final = ("etag", "last-modified", "location", "link", "content-disposition")


class Answer(NamedTuple):
    status: int
    body: str
    headers: tuple[tuple[str, str], ...]


def student_gets(node: Running) -> list[str]:
    """The paths, as templates `/api/v1/assignments/{id}`, of all GETs that let students in."""
    found = {
        PARAMETER.sub(r"{\1}", path)
        for method, path, _, policy in routes(node)
        if method == "GET" and (policy.asks != "always" or Role.STUDENT in policy.roles) and not LEFT_OUT.match(path)
    }
    return sorted(found)


async def read_all(
    node: Running, rest: httpx.AsyncClient, ids: Sequence[str], values: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Answer]:
    """The answers to all GETs of students, by path and query.

    Each parameter is tried with each of these ids: those of the program, the assignment, submissions, attempts, files.
    `values` are for parameters that are no ids; `number` is 1 and 2 by itself.
    """
    description = (await rest.get("/api/docs/openapi.json")).json()
    known = {"number": ("1", "2"), **(values or {})}
    found: dict[str, Answer] = {}
    for template in student_gets(node):
        for path in _filled(template, _queries(description, template), known, ids):
            answer = await rest.get(path)
            told = tuple((name, answer.headers[name]) for name in HEADERS if name in answer.headers)
            found[path] = Answer(answer.status_code, REQUEST.sub("", answer.text), told)
    return found


def _queries(description: Mapping[str, Any], template: str) -> list[str]:
    """The query parameters that the route cannot do without."""
    operation = description["paths"].get(template.rstrip("/") or "/", description["paths"].get(template, {}))
    parameters = operation.get("get", {}).get("parameters", ())
    return [one["name"] for one in parameters if one["in"] == "query" and one.get("required")]


def _filled(
    template: str, queries: Sequence[str], values: Mapping[str, Sequence[str]], ids: Sequence[str]
) -> Iterator[str]:
    names = [*PARAMETER.findall(template), *queries]
    whole = template + ("?" + "&".join(f"{name}={{{name}}}" for name in queries) if queries else "")
    for chosen in itertools.product(*(values.get(name, ids) for name in names)):
        yield whole.format(**dict(zip(names, chosen, strict=True)))
