"""The API's description as it is served: what Litestar describes, completed from what the modules declare.

Types come from msgspec, which reads and writes them: Litestar's own loses limits of 0, and null where it is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args, get_origin

import msgspec
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.serialization import default_serializer

from gateway.contract.command import CommandSpec
from gateway.contract.module import Module

REFERENCE: Final = "#/components/schemas/"
METHODS: Final = ("get", "post", "put", "patch", "delete")
COMMANDS: Final = "/api/v1/rooms/{room}/commands"
# What a tag of the kernel's own routes is about; a module's is what its class says.
TAGS: Final = {
    "development": "What `ksmp dev` adds; not there in production.",
    "health": "What a load balancer asks.",
    "realtime": "Rooms without a WebSocket.",
}
# What Litestar writes out although it is the default.
NOISE: Final = ("deprecated", "allowEmptyValue", "allowReserved")


def describe(app: Litestar, modules: Sequence[Module], commands: Mapping[str, CommandSpec]) -> dict[str, Any]:
    """The description, as JSON has it."""
    found: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(app.openapi_schema.to_schema(), enc_hook=default_serializer)
    )
    bodies, answers = _types(app)
    _, made = msgspec.json.schema_components([*answers, *bodies], ref_template=REFERENCE + "{name}")
    described = found["components"]["schemas"]
    renamed = {name: short for name in described if (short := _short(name)) in made}
    _rename(found, renamed)
    schemas = {name: schema for name, schema in described.items() if name not in renamed} | made
    found["components"]["schemas"] = schemas
    _complete_parameters(app, found)
    for _, operation in operations(found):
        operation.setdefault("security", [])
        for parameter in operation.get("parameters", ()):
            for name in NOISE:
                if parameter.get(name) is False:
                    del parameter[name]
    _describe_commands(found, commands)
    _close(found, bodies)
    found["components"]["schemas"] = {name: simple(schemas[name]) for name in sorted(_used(found))}
    for schema in found["components"]["schemas"].values():
        # Generators name a type by its title, and drop the second of two that have the same.
        schema.pop("title", None)
    found["paths"] = simple(found["paths"])
    found["tags"] = list(_tags(found, modules))
    _name_codes(found, modules)
    return found


def operations(description: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(`GET /path`, operation) of each."""
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def _types(app: Litestar) -> tuple[list[Any], list[Any]]:
    """The types of all bodies, and those of all answers, that msgspec can describe."""
    bodies: dict[Any, None] = {}
    answers: dict[Any, None] = {}
    for handler in _handlers(app):
        if (data := handler.parsed_fn_signature.parameters.get("data")) is not None:
            bodies[data.annotation] = None
        answers[shown(handler.parsed_fn_signature.return_type.annotation)] = None
        answers.update((answer.data_container, None) for answer in (handler.responses or {}).values())
    return list(filter(_is_known, bodies)), list(filter(_is_known, answers))


def _handlers(app: Litestar) -> Iterator[HTTPRouteHandler]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            yield from (handler for handler in route.route_handlers if handler.resolve_include_in_schema())


def shown(annotation: Any) -> Any:
    """The type that a route answers, without the Response around it."""
    origin = get_origin(annotation)
    return get_args(annotation)[0] if isinstance(origin, type) and issubclass(origin, Response) else annotation


def _is_known(kind: Any) -> bool:
    try:
        msgspec.json.schema(kind)
    except (TypeError, RuntimeError):
        return False
    return True


def _short(name: str) -> str:
    """`Page_ProgramView_` for `Page_modules.programs.messages.ProgramView_`."""
    return re.sub(r"[A-Za-z0-9_]+\.", "", re.sub(r"^([A-Za-z0-9]+_)", r"\1 ", name)).replace(" ", "")


def _rename(value: Any, names: Mapping[str, str]) -> None:
    for holder in _walk(value):
        reference = holder.get("$ref")
        if isinstance(reference, str) and (name := names.get(reference.removeprefix(REFERENCE))) is not None:
            holder["$ref"] = REFERENCE + name


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value; what examples hold is left alone."""
    if isinstance(value, dict):
        yield value
        for name, item in value.items():
            if name not in ("example", "examples"):
                yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)


def _references(value: Any) -> set[str]:
    found = (holder.get("$ref") for holder in _walk(value))
    return {name.removeprefix(REFERENCE) for name in found if isinstance(name, str) and name.startswith(REFERENCE)}


def _reached(names: set[str], schemas: Mapping[str, Any]) -> set[str]:
    found, left = set(names), set(names)
    while left:
        left = {other for name in left for other in _references(schemas[name])} - found
        found |= left
    return found


def _used(description: Mapping[str, Any]) -> set[str]:
    return _reached(_references(description["paths"]), description["components"]["schemas"])


def _close(description: Mapping[str, Any], bodies: Sequence[Any]) -> None:
    """Bodies take no other fields. What is answered as well may grow, so it stays open."""
    schemas = description["components"]["schemas"]
    wanted: set[str] = set()
    answered: set[str] = set()
    for name, operation in operations(description):
        if not name.endswith(COMMANDS):
            wanted |= _references(operation.get("requestBody"))
        answered |= _references(operation["responses"])
    for name in _reached(wanted, schemas) - _reached(answered, schemas):
        if "properties" in schemas[name]:
            schemas[name].setdefault("additionalProperties", False)
            _tell_defaults(schemas[name])


def _tell_defaults(schema: dict[str, Any]) -> None:
    """Say in words what stands for a field that is left out: generators make a field with a default one to be sent."""
    for field in schema.get("properties", {}).values():
        if (value := field.pop("default", None)) is not None:
            said = field.get("description", "").rstrip(".")
            said = f"{said}. " if said else ""
            field["description"] = f"{said}When left out: `{msgspec.json.encode(value).decode()}`."


def _complete_parameters(app: Litestar, description: Mapping[str, Any]) -> None:
    """A least value of 0, which Litestar takes for none."""
    places = dict(operations(description))
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for name, parameter in getattr(handler, "parsed_fn_signature").parameters.items():  # noqa: B009
                if getattr(parameter.kwarg_definition, "ge", None) != 0:
                    continue
                for method in handler.http_methods:
                    operation = places.get(f"{method} {route.path_format}", {})
                    for described in operation.get("parameters", ()):
                        if described["name"] == name:
                            described["schema"]["minimum"] = 0


def simple(schema: Any) -> Any:
    """The same without a choice of one, with whole numbers as such, and open where it says nothing."""
    if isinstance(schema, list):
        return [simple(item) for item in schema]
    if not isinstance(schema, dict):
        return int(schema) if isinstance(schema, float) and schema.is_integer() else schema
    result = {name: item if name in ("example", "examples") else simple(item) for name, item in schema.items()}
    for choice in ("oneOf", "anyOf"):
        branches = result.get(choice)
        if isinstance(branches, list) and len(branches) == 1:
            del result[choice]
            result = {**branches[0], **result}
    if result.get("type") == "object" and not {"properties", "additionalProperties"} & result.keys():
        # Generators take an object of which nothing is said for an empty one.
        result["additionalProperties"] = True
    if "default" in result and result["default"] is None:
        # That it may be left out says as much, and generators take a default for a promise that it is there.
        del result["default"]
    return result


def _describe_commands(description: dict[str, Any], commands: Mapping[str, CommandSpec]) -> None:
    """Each command by itself, told apart by `cmd`, with what its `data` is."""
    operation = description["paths"].get(COMMANDS, {}).get("post")
    if operation is None:
        return
    schemas = description["components"]["schemas"]
    media = operation["requestBody"]["content"]["application/json"]
    core: dict[str, Any] = media["schema"]["properties"]
    branches: dict[str, str] = {}

    def add(name: str, schema: dict[str, Any]) -> None:
        title = "".join(part.capitalize() for part in re.split(r"[._]", name)) + "Command"
        schemas[title] = {"type": "object", **schema}
        branches[name] = REFERENCE + title

    for name, (fields, needed) in CORE.items():
        properties = {"cmd": {"type": "string", "const": name}, **{field: core[field] for field in fields}}
        add(name, {"description": f"The core's `{name}`.", "properties": properties, "required": ["cmd", *needed]})
    for name, spec in sorted(commands.items()):
        data = _own(spec.request, name.partition(".")[0], schemas)
        required = ["cmd", "data"] if data.get("required") else ["cmd"]
        said = (spec.handler.__doc__ or "").strip().partition("\n")[0]
        properties = {"cmd": {"type": "string", "const": name}, "nonce": core["nonce"], "data": data}
        where = ", or ".join(f"of kind `{kind}`, as {role} or above" for kind, role in spec.rooms.items())
        about = f"{said} In a room {where}.".strip()
        add(name, {"description": about, "properties": properties, "required": required})
    media["schema"] = {
        "oneOf": [{"$ref": reference} for reference in branches.values()],
        "discriminator": {"propertyName": "cmd", "mapping": branches},
    }


# The core's commands in rooms: their fields, and those that must be there.
CORE: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "history": (("before", "limit", "types"), ("before",)),
    "presence": (("after", "limit"), ()),
    "typing": (("on",), ("on",)),
}


def _own(kind: Any, module: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of a command's data; the types that it names are added, by the module's name where theirs is taken."""
    _, made = msgspec.json.schema_components([kind], ref_template=REFERENCE + "{name}")
    whole: dict[str, Any] = made.pop(kind.__name__)
    names = {}
    for name, schema in made.items():
        schema.pop("title", None)
        taken = {key: item for key, item in schemas.get(name, schema).items() if key != "title"}
        if taken != schema:
            names[name] = module.capitalize() + name
    for schema in (whole, *made.values()):
        _rename(schema, names)
    for name, schema in made.items():
        schemas.setdefault(names.get(name, name), schema)
    whole.pop("title", None)
    _tell_defaults(whole)
    return whole


def _tags(description: Mapping[str, Any], modules: Sequence[Module]) -> Iterator[dict[str, str]]:
    about = TAGS | {module.name: (module.__doc__ or "").strip().partition("\n")[0] for module in modules}
    for name in sorted({tag for _, operation in operations(description) for tag in operation.get("tags", ())}):
        yield {"name": name, "description": about.get(name) or f"The routes of {name}."}


def _name_codes(description: Mapping[str, Any], modules: Sequence[Module]) -> None:
    """A module's own codes, in the answers of its routes that have their status, and all of them where `code` is."""
    by_name = {module.name: module for module in modules}
    every: dict[str, Sequence[int]] = {}
    for module in modules:
        every |= module.codes
    for name, operation in operations(description):
        owners = [by_name[tag] for tag in operation.get("tags", ()) if tag in by_name]
        codes = every if name.endswith(COMMANDS) else {}
        for module in owners:
            for other in (module.name, *module.requires):
                codes = codes | dict(by_name[other].codes if other in by_name else {})
        for status, answer in operation["responses"].items():
            own = sorted(code for code, statuses in codes.items() if int(status) in statuses)
            if own:
                answer["description"] += f", `{'`, `'.join(own)}`"
    problem = description["components"]["schemas"].get("ProblemDetails")
    if problem is not None and every:
        listed = ", ".join(f"`{code}`" for code in sorted(every))
        problem["properties"]["code"]["description"] = f"Stable; more may come. Besides the core's: {listed}."
