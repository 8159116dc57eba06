"""Finds the installed modules, checks what they declare, and orders them by `requires`."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from gateway.auth.policy import policy_of
from gateway.contract.command import Command
from gateway.contract.events import event_name
from gateway.contract.listener import Listener
from gateway.contract.module import Module
from gateway.contract.room_kind import RoomKind
from gateway.contract.snapshot_part import SnapshotPart
from gateway.contract.timer import Timer
from gateway.realtime.cluster_state import KIND as SYSTEM
from gateway.settings import PREFIX, Settings, check_unknown, read

GROUP = "ksmp.modules"
# Every module's routes are under it.
API = "/api/v1"
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
EVENT = re.compile(r"[A-Z][A-Za-z0-9]{0,63}", re.ASCII)


class RegistryError(Exception):
    """A module breaks the contract; the message says which and what to do."""


def installed() -> list[str]:
    """The names of all installed modules."""
    return sorted(point.name for point in entry_points(group=GROUP))


def load(names: Sequence[str] = ()) -> list[Module]:
    """The modules with these names, or all installed ones, each after those it requires.

    Raises RegistryError.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    wanted = list(names) or sorted(points)
    modules: list[Module] = []
    for name in wanted:
        if name not in points:
            raise RegistryError(f"Module {name} is not installed; installed are: {', '.join(sorted(points))}.")
        try:
            module = points[name].load()()
        except Exception as error:
            raise RegistryError(f"Module {name} cannot be loaded: {type(error).__name__}: {error}.") from error
        if not isinstance(module, Module) or module.name != name:
            raise RegistryError(f"The entry point {name} must name a Module whose name is {name}.")
        modules.append(module)
    return ordered(modules)


def ordered(modules: Sequence[Module]) -> list[Module]:
    """The modules, each after those it requires; raises RegistryError when one breaks the contract."""
    by_name: dict[str, Module] = {}
    for module in modules:
        if not NAME.fullmatch(module.name):
            raise RegistryError(f"Module {module.name!r} needs a name of lower-case letters, digits and _.")
        if module.name in by_name:
            raise RegistryError(f"Two modules are called {module.name}; rename one.")
        by_name[module.name] = module
    result: list[Module] = []
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
                raise RegistryError(f"Module {name} requires {sibling}, which is not on; add it to KSMP_MODULES.")
            visit(sibling)
        visiting.pop()
        result.append(by_name[name])

    for name in by_name:
        visit(name)
    room_kinds(result)
    commands(result)
    snapshots(result)
    listeners(result)
    timers(result)
    return result


def room_kinds(modules: Iterable[Module]) -> dict[str, RoomKind]:
    """Every room kind by name; raises RegistryError when two modules claim one."""
    owners: dict[str, str] = {}
    kinds: dict[str, RoomKind] = {}
    for module in modules:
        for kind in module.rooms:
            if not NAME.fullmatch(kind.name):
                raise RegistryError(f"Module {module.name}: {kind.name!r} is no name for a room kind.")
            if not kind.roles:
                raise RegistryError(f"Module {module.name}: room kind {kind.name} needs at least one role.")
            if kind.name == SYSTEM:
                raise RegistryError(
                    f"Module {module.name}: room kind {kind.name} is the kernel's own; choose another name."
                )
            if kind.name in kinds:
                raise RegistryError(
                    f"Modules {owners[kind.name]} and {module.name} both own rooms of kind {kind.name}; rename one."
                )
            owners[kind.name] = module.name
            kinds[kind.name] = kind
    return kinds


def commands(modules: Sequence[Module]) -> dict[str, Command]:
    """Every command by name; raises RegistryError on a duplicate, a wrong prefix, an unknown room kind or role."""
    kinds = room_kinds(modules)
    result: dict[str, Command] = {}
    for module in modules:
        for command in module.commands:
            prefix, _, verb = command.name.partition(".")
            if prefix != module.name or not NAME.fullmatch(verb):
                raise RegistryError(f"Module {module.name}: command {command.name} must be {module.name}.<verb>.")
            if command.name in result:
                raise RegistryError(f"Module {module.name} declares the command {command.name} twice.")
            kind = kinds.get(command.rooms)
            if kind is None:
                raise RegistryError(
                    f"Module {module.name}: command {command.name} is for rooms of kind {command.rooms}, "
                    "which no module owns; turn the owner on and list it in `requires`."
                )
            if command.role not in kind.roles:
                raise RegistryError(
                    f"Module {module.name}: command {command.name} needs the role {command.role}, "
                    f"but rooms of kind {kind.name} have {', '.join(kind.roles)}."
                )
            result[command.name] = command
    return result


def snapshots(modules: Sequence[Module]) -> dict[str, list[SnapshotPart]]:
    """The parts of each room kind's snapshot; raises RegistryError on a bad or doubled name or an unknown room kind."""
    kinds = room_kinds(modules)
    known: set[str] = set()
    result: dict[str, list[SnapshotPart]] = {}
    for module in modules:
        for part in module.snapshots:
            _check_name(module, "snapshot part", part.name, known)
            if part.rooms not in kinds:
                raise RegistryError(
                    f"Module {module.name}: snapshot part {part.name} is for rooms of kind {part.rooms}, "
                    "which no module owns; turn the owner on and list it in `requires`."
                )
            known.add(part.name)
            result.setdefault(part.rooms, []).append(part)
    return result


def routers(modules: Sequence[Module]) -> list[Router]:
    """Every module's routes under /api/v1, tagged with its name; raises RegistryError when two claim one."""
    result: list[Router] = []
    owners: dict[tuple[str, str], str] = {}
    for module in modules:
        router = Router(API, route_handlers=module.routes, tags=[module.name])
        for route in router.routes:
            for method in getattr(route, "methods", {"websocket"}) - {"OPTIONS"}:
                # What a path's parameter is called makes no other path of it.
                place = (method, re.sub(r"\{[^}]*\}", "{}", route.path))
                if place in owners:
                    raise RegistryError(
                        f"Modules {owners[place]} and {module.name} both answer {method} {route.path}; change one path."
                    )
                owners[place] = module.name
        result.append(router)
    return result


def check_policies(app: Litestar) -> None:
    """Raise RegistryError for a route that does not state who may call it."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:  # type: ignore[union-attr]
            # What answers OPTIONS is Litestar's own.
            ours = not isinstance(handler, HTTPRouteHandler) or handler.http_methods != {"OPTIONS"}
            if ours and policy_of(handler) is None:
                methods = "websocket" if isinstance(handler, WebsocketRouteHandler) else _methods(handler)
                raise RegistryError(
                    f"The route {methods} {route.path} ({handler.fn.__module__}.{handler.handler_name}) does not say "
                    "who may call it; give it policy=…, from gateway.auth.policy."
                )


def _methods(handler: Any) -> str:
    return ", ".join(sorted(getattr(handler, "http_methods", ())))


def events(modules: Iterable[Module]) -> dict[str, type[msgspec.Struct]]:
    """Every event that a module emits, by name; raises RegistryError on a wrong or doubled tag."""
    result: dict[str, type[msgspec.Struct]] = {}
    for module in modules:
        for event in module.emits:
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
            result[name] = event
    return result


def listeners(modules: Sequence[Module]) -> dict[str, Listener]:
    """Every listener by name; raises RegistryError on a bad or doubled name, or an event that it cannot hear of."""
    emitted = events(modules)
    on = {module.name for module in modules}
    result: dict[str, Listener] = {}
    for module in modules:
        for listener in module.listens:
            _check_name(module, "listener", listener.name, result)
            event = event_name(listener.event)
            owner = event.partition(".")[0]
            if owner in module.hears and owner not in on:
                continue
            if owner != module.name and owner not in (*module.requires, *module.hears):
                raise RegistryError(
                    f"Module {module.name}: {listener.name} listens to {event or listener.event.__name__}; "
                    f"list its owner in `requires` or `hears`."
                )
            if emitted.get(event) is not listener.event:
                raise RegistryError(
                    f"Module {module.name}: {listener.name} listens to {event}, "
                    f"which {owner} does not emit; add it to `emits` there."
                )
            result[listener.name] = listener
    return result


def timers(modules: Iterable[Module]) -> dict[str, Timer]:
    """Every timer by name; raises RegistryError on a bad name, or one that another timer or a listener has."""
    result: dict[str, Timer] = {}
    for module in modules:
        listening = {listener.name: listener for listener in module.listens}
        for timer in module.timers:
            _check_name(module, "timer", timer.name, {**result, **listening})
            result[timer.name] = timer
    return result


def _check_name(module: Module, what: str, name: str, known: Container[str]) -> None:
    prefix, _, rest = name.partition(".")
    if prefix != module.name or not NAME.fullmatch(rest):
        raise RegistryError(f"Module {module.name}: {what} {name} must be {module.name}.<what>.")
    if name in known:
        raise RegistryError(f"Module {module.name} declares the {what} {name} twice.")


def check_environment(modules: Sequence[Module], environ: Mapping[str, str]) -> None:
    """Raise SettingsError for a `KSMP_*` variable that nobody declares, or of a module's with a bad value."""
    own = [(module.settings_type, settings_prefix(module)) for module in modules if module.settings_type]
    check_unknown(environ, [(Settings, PREFIX), *own])
    for kind, prefix in own:
        read(kind, environ, prefix)


def settings_prefix(module: Module) -> str:
    """What the variables of a module's own settings begin with: `KSMP_CHAT_` for chat."""
    return f"{PREFIX}{module.name.upper()}_"
