"""Finds the classes of the installed modules, checks what they say, and orders them by `requires`.

What the modules declare once they are built is in `gateway.declarations`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import WebSocketRoute

from gateway import module_folders, sibling_imports
from gateway.auth.policy import policy_of
from gateway.contract.declaration import DeclarationError, check_struct
from gateway.contract.events import event_name
from gateway.contract.module import Module
from gateway.db import module_tables
from gateway.http import conditional
from gateway.module_folders import GROUP
from gateway.settings import PREFIX, Settings, check_addresses, check_unknown, read, settings_faults, variable

# Every module's routes are under it.
API = "/api/v1"
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
EVENT = re.compile(r"[A-Z][A-Za-z0-9]{0,63}", re.ASCII)
CODE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", re.ASCII)


class RegistryError(Exception):
    """A module breaks the contract; the message says which and what to do."""


def installed() -> list[str]:
    """The names of all installed modules."""
    return sorted(point.name for point in entry_points(group=GROUP))


def enabled(settings: Settings) -> list[type[Module]]:
    """The classes of the modules that the settings turn on, also from the folders that they name.

    Raises RegistryError and SettingsError.
    """
    module_folders.use(settings.module_paths)
    return load(settings.modules)


def load(names: Sequence[str] = ()) -> list[type[Module]]:
    """The classes of the modules with these names, or of all installed ones, each after those it requires.

    Raises RegistryError.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    wanted = list(names) or sorted(points)
    modules: list[type[Module]] = []
    for name in wanted:
        if name not in points:
            raise RegistryError(f"Module {name} is not installed; installed are: {', '.join(sorted(points))}.")
        try:
            module = points[name].load()
        except Exception as error:
            raise RegistryError(f"Module {name} cannot be loaded: {type(error).__name__}: {error}.") from error
        if not (isinstance(module, type) and issubclass(module, Module)) or getattr(module, "name", None) != name:
            raise RegistryError(f"The entry point {name} must name a class of Module whose name is {name}.")
        modules.append(module)
    result = ordered(modules)
    for module in result:
        # Of those that are installed: a test's own modules share a folder with other tests.
        for fault in sibling_imports.import_faults(module, result):
            raise RegistryError(f"Module {module.name}: {fault}.")
    return result


def ordered(modules: Iterable[type[Module]]) -> list[type[Module]]:
    """The modules, each after those it requires; raises RegistryError when one breaks the contract."""
    by_name: dict[str, type[Module]] = {}
    for module in modules:
        if not NAME.fullmatch(module.name):
            raise RegistryError(f"Module {module.name!r} needs a name of lower-case letters, digits and _.")
        for attribute in ("requires", "hears", "emits", "tables"):
            check_sequence(module.name, attribute, getattr(module, attribute))
        for code, statuses in module.codes.items():
            check_sequence(module.name, "codes", statuses)
            if not CODE.fullmatch(code) or code.partition(".")[0] != module.name:
                raise RegistryError(f"Module {module.name}: `codes` has {code!r}; write {module.name}.<what>.")
            if not statuses or not all(status in range(400, 600) for status in statuses):
                raise RegistryError(f"Module {module.name}: {code} in `codes` needs statuses, such as (409,).")
        if module.name in by_name:
            raise RegistryError(f"Two modules are called {module.name}; rename one.")
        by_name[module.name] = module
    result: list[type[Module]] = []
    visiting: list[str] = []

    def visit(name: str) -> None:
        if by_name[name] in result:
            return
        if name in visiting:
            circle = " → ".join([*visiting[visiting.index(name) :], name])
            raise RegistryError(f"Modules require each other in a circle: {circle}; take one `requires` out.")
        visiting.append(name)
        for sibling in by_name[name].requires:
            if sibling not in by_name:
                lack = "on; add it to KSMP_MODULES" if sibling in installed() else "installed; its name may be misspelt"
                raise RegistryError(f"Module {name} requires {sibling}, which is not {lack}.")
            visit(sibling)
        visiting.pop()
        result.append(by_name[name])

    for name in by_name:
        visit(name)
    events(result)
    for module in result:
        for fault in (*settings_faults(module.settings_type), *module_tables.table_faults(module)):
            raise RegistryError(f"Module {module.name}: {fault}.")
    return result


def check_sequence(module: str, attribute: str, value: object) -> None:
    """Raise RegistryError for what is no list or tuple. Parentheses without a comma make no tuple."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise RegistryError(f"Module {module}: `{attribute}` is no tuple; with one entry, write (…,).")


def events(modules: Iterable[type[Module]]) -> dict[str, type[msgspec.Struct]]:
    """Every event that a module emits, by name; raises RegistryError on a wrong or doubled tag."""
    result: dict[str, type[msgspec.Struct]] = {}
    for module in modules:
        for event in module.emits:
            if not (isinstance(event, type) and issubclass(event, msgspec.Struct)):
                raise RegistryError(f"Module {module.name}: {event!r} in `emits` is no class of msgspec.Struct.")
            config = event.__struct_config__
            name = event_name(event)
            prefix, _, fact = name.partition(".")
            if prefix != module.name or not EVENT.fullmatch(fact):
                raise RegistryError(
                    f"Module {module.name}: the event {event.__name__} needs the tag {module.name}.<WhatHappened>."
                )
            if config.tag_field != "type" or config.array_like or not config.frozen:
                raise RegistryError(f"Module {module.name}: the event {name} must be a frozen struct with a tag alone.")
            if name in result:
                raise RegistryError(f"Module {module.name} emits two events with the tag {name}; rename one.")
            try:
                check_struct(event, f"event {name}")
            except DeclarationError as error:
                raise RegistryError(f"Module {module.name}: {error}.") from error
            result[name] = event
    return result


def routers(modules: Sequence[Module]) -> list[Router]:
    """Every module's routes under /api/v1, tagged with its name, and its pages at the root.

    Raises RegistryError when two claim one, and for a WebSocket of a module's own.
    """
    result: list[Router] = []
    owners: dict[tuple[str, str], str] = {}
    for module in modules:
        api = Router(API, route_handlers=module.routes, tags=[module.name], opt={conditional.OPT: True})
        pages = Router("/", route_handlers=module.pages, include_in_schema=False)
        for route in (*api.routes, *pages.routes):
            if isinstance(route, WebSocketRoute):
                raise RegistryError(
                    f"Module {module.name} has a WebSocket route at {route.path}; a client has one socket for all "
                    "modules, so use commands and pushes of a room."
                )
            for method in route.methods - {"OPTIONS"}:
                # What a path's parameter is called makes no other path of it.
                place = (method, re.sub(r"\{[^}]*\}", "{}", route.path))
                if place in owners:
                    raise RegistryError(
                        f"Modules {owners[place]} and {module.name} both answer {method} {route.path}; change one path."
                    )
                owners[place] = module.name
        result += [api, pages]
    return result


def check_policies(app: Litestar) -> None:
    """Raise RegistryError for a route that does not state who may call it."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:  # type: ignore[union-attr]
            # What answers OPTIONS is Litestar's own.
            ours = not isinstance(handler, HTTPRouteHandler) or handler.http_methods != {"OPTIONS"}
            if ours and policy_of(handler) is None:
                raise RegistryError(
                    f"The route {_methods(handler)} {route.path} ({handler.fn.__module__}.{handler.handler_name}) does "
                    "not say who may call it; give it policy=…, from gateway.auth.policy."
                )


def _methods(handler: Any) -> str:
    return ", ".join(sorted(getattr(handler, "http_methods", ())))


def check_environment(modules: Sequence[type[Module]], environ: Mapping[str, str]) -> dict[str, str]:
    """Raise SettingsError for a `KSMP_*` variable that nobody declares, or a module's setting with a bad value.

    Returns what the modules say of their settings, by name.
    """
    own = [(module.settings_type, settings_prefix(module)) for module in modules if module.settings_type]
    check_unknown(environ, [(Settings, PREFIX), *own])
    production = environ.get(variable("environment"), Settings.environment) == "production"
    said: dict[str, str] = {}
    for module in modules:
        if module.settings_type is None:
            continue
        prefix = settings_prefix(module)
        settings = read(module.settings_type, environ, prefix)
        check_addresses(settings, prefix, production=production)
        said[module.name] = module.examine(settings, production=production)
    return {name: text for name, text in said.items() if text}


def settings_prefix(module: type[Module] | Module) -> str:
    """What the variables of a module's own settings begin with: `KSMP_CHAT_` for chat."""
    return f"{PREFIX}{module.name.upper()}_"
