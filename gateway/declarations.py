"""What the modules of a gateway declare, by name: room kinds, commands, pushes, snapshot parts, listeners, timers."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from gateway.contract.command import CommandDeclaration, CommandSpec, Rate
from gateway.contract.declaration import DeclarationError, annotation_of, check_handler, declared, payload_of
from gateway.contract.event_follower import EventFollower
from gateway.contract.events import event_name
from gateway.contract.intake import Intake
from gateway.contract.listener import Listener, ListenerDeclaration
from gateway.contract.module import Module
from gateway.contract.push_type import PushType
from gateway.contract.room_kind import RoomKind
from gateway.contract.snapshot_part import SnapshotPart, SnapshotPartDeclaration
from gateway.contract.timer import Timer, TimerDeclaration
from gateway.realtime.cluster_state import KIND as SYSTEM
from gateway.registry import NAME, RegistryError, check_sequence, events

# The kinds of declarations, and what each is called in a sentence.
WHAT: Final = "<what>"
T = TypeVar("T")


class Declarations:
    """Empty until the modules are added, and complete before anything runs.

    The kernel's parts hold its mappings from the start, because they exist before the modules, which are built with
    them. So a part looks a name up when it needs it.
    """

    def __init__(self, classes: Sequence[type[Module]]) -> None:
        self.rooms: dict[str, RoomKind] = {}
        self.archived: list[str] = []
        self.commands: dict[str, CommandSpec] = {}
        self.pushes: dict[str, PushType[Any]] = {}
        self.snapshots: dict[str, list[SnapshotPart]] = {}
        self.events = events(classes)
        self.listeners: dict[str, Listener] = {}
        self.timers: dict[str, Timer] = {}
        self.followers: dict[str, EventFollower] = {}
        self.intakes: dict[str, Intake] = {}
        self.contributions: list[object] = []
        self._complete = False
        self._on = {module.name for module in classes}
        self._owners: dict[str, str] = {}

    def add(self, modules: Sequence[Module]) -> None:
        """Read and check what these modules declare; raises RegistryError, which says which module and what to do."""
        for module in modules:
            _check_built(module)
            for kind in module.rooms:
                self._add_room(module, kind)
        for module in modules:
            for feature in (module, *module.features):
                _check_feature(module, feature)
                try:
                    self._add_feature(module, feature)
                except DeclarationError as error:
                    raise RegistryError(f"Module {module.name}: {error}.") from error
        self._complete = True

    def contributed(self, kind: type[T]) -> Sequence[T]:
        """The contributions of this kind, in the order of modules; raises RuntimeError before all are built."""
        if not self._complete:
            raise RuntimeError(f"{kind.__name__} is asked for while modules are built; ask in `lifespan` or later")
        return [one for one in self.contributions if isinstance(one, kind)]

    @staticmethod
    def of(module: str, names: Iterable[str]) -> list[str]:
        """Those of the names that are the module's, in their order."""
        return [name for name in names if name.partition(".")[0] == module]

    def _add_feature(self, module: Module, feature: object) -> None:
        for contribution in getattr(feature, "contributions", ()):
            self._add_contribution(module, contribution)
        for push in getattr(feature, "pushes", ()):
            self._add_push(module, push)
        for command in _commands(module, feature):
            self._add_command(module, command)
        for part in _snapshot_parts(feature):
            self._add_snapshot_part(module, part)
        for listener in _listeners(feature):
            self._add_listener(module, listener)
        for timer in _timers(feature):
            _check_name(module, "timer", timer.name, self._consumers())
            self.timers[timer.name] = timer

    def _add_contribution(self, module: Module, contribution: object) -> None:
        self.contributions.append(contribution)
        if isinstance(contribution, EventFollower):
            self._check_batches(module, "follower", contribution)
            self.followers[contribution.name] = contribution
        elif isinstance(contribution, Intake):
            self._check_batches(module, "intake", contribution)
            self.intakes[contribution.name] = contribution

    def _check_batches(self, module: Module, what: str, batched: EventFollower | Intake) -> None:
        _check_name(module, what, batched.name, self._consumers())
        if batched.batch < 1 or batched.wait <= 0:
            raise RegistryError(f"Module {module.name}: {what} {batched.name} needs a batch and a wait above 0.")

    def _consumers(self) -> Container[str]:
        """The names of what has a durable consumer."""
        return {*self.listeners, *self.timers, *self.followers, *self.intakes}

    def _add_room(self, module: Module, kind: RoomKind) -> None:
        if not isinstance(kind, RoomKind):
            raise RegistryError(f"Module {module.name}: {kind!r} in `rooms` is no RoomKind.")
        if not NAME.fullmatch(kind.name):
            raise RegistryError(f"Module {module.name}: {kind.name!r} is no name for a room kind.")
        if not kind.roles:
            raise RegistryError(f"Module {module.name}: room kind {kind.name} needs at least one role.")
        if kind.name == SYSTEM:
            raise RegistryError(
                f"Module {module.name}: room kind {kind.name} is the kernel's own; choose another name."
            )
        if kind.name in self.rooms:
            raise RegistryError(
                f"Modules {self._owners[kind.name]} and {module.name} both own rooms of kind {kind.name}; rename one."
            )
        self._owners[kind.name] = module.name
        self.rooms[kind.name] = kind
        if kind.archived:
            self.archived.append(kind.name)

    def _add_push(self, module: Module, push: PushType[Any]) -> None:
        if not isinstance(push, PushType):
            raise RegistryError(f"Module {module.name}: {push!r} in `pushes` is no PushType.")
        _check_name(module, "push", push.name, self.pushes)
        self.pushes[push.name] = push

    def _add_command(self, module: Module, command: CommandSpec) -> None:
        _check_name(module, "command", command.name, self.commands, "<verb>")
        for rooms, role in command.rooms.items():
            kind = self._kind(module, "command", command.name, rooms)
            if role not in kind.roles:
                raise RegistryError(
                    f"Module {module.name}: command {command.name} needs the role {role}, "
                    f"but rooms of kind {kind.name} have {', '.join(kind.roles)}."
                )
        self.commands[command.name] = command

    def _add_snapshot_part(self, module: Module, part: SnapshotPart) -> None:
        # A part of the same name completes the shared one.
        known = [
            other.name
            for parts in self.snapshots.values()
            for other in parts
            if not (part.given == part.name == other.name and other.shared and other.rooms == part.rooms)
        ]
        _check_name(module, "snapshot part", part.name, known)
        for rooms in part.rooms:
            self._kind(module, "snapshot part", part.name, rooms)
            self.snapshots.setdefault(rooms, []).append(part)

    def _add_listener(self, module: Module, listener: Listener) -> None:
        _check_name(module, "listener", listener.name, self._consumers())
        event = event_name(listener.event)
        owner = event.partition(".")[0]
        if owner in module.hears and owner not in self._on:
            return
        if owner != module.name and owner not in (*module.requires, *module.hears):
            raise RegistryError(
                f"Module {module.name}: {listener.name} listens to {event or listener.event.__name__}; "
                f"list its owner in `requires` or `hears`."
            )
        if self.events.get(event) is not listener.event:
            raise RegistryError(
                f"Module {module.name}: {listener.name} listens to {event}, "
                f"which {owner} does not emit; add it to `emits` there."
            )
        self.listeners[listener.name] = listener

    def _kind(self, module: Module, what: str, name: str, rooms: str) -> RoomKind:
        kind = self.rooms.get(rooms)
        if kind is None:
            raise RegistryError(
                f"Module {module.name}: {what} {name} is for rooms of kind {rooms}, "
                "which no module owns; turn the owner on and list it in `requires`."
            )
        return kind


def _check_built(module: Module) -> None:
    if not hasattr(module, "kernel"):
        raise RegistryError(f"Module {module.name}: `__init__` must begin with super().__init__(kernel).")
    for attribute in ("features", "rooms", "routes", "pages"):
        check_sequence(module.name, attribute, getattr(module, attribute))


def _check_feature(module: Module, feature: object) -> None:
    if isinstance(feature, type):
        raise RegistryError(
            f"Module {module.name}: `features` holds the class {feature.__name__}; build it: {feature.__name__}(…)."
        )
    for attribute in ("pushes", "commands", "snapshots", "listens", "timers", "contributions"):
        check_sequence(module.name, attribute, getattr(feature, attribute, ()))


def _commands(module: Module, feature: object) -> Iterable[CommandSpec]:
    for declaration, method in declared(feature, CommandDeclaration):
        yield CommandSpec(
            name=declaration.name,
            rooms=_rooms(declaration),
            request=payload_of(method, f"command {declaration.name},", "context, request!"),
            handler=method,
            rate=_rate(module, declaration),
            row_first=declaration.row_first,
        )


def _snapshot_parts(feature: object) -> Iterable[SnapshotPart]:
    for declaration, method in declared(feature, SnapshotPartDeclaration):
        takes = "context, value" if declaration.given else "context"
        check_handler(method, f"snapshot part {declaration.name},", takes)
        if declaration.given and declaration.shared:
            raise DeclarationError(f"snapshot part {declaration.name} is shared, so it is not given another part")
        yield SnapshotPart(
            name=declaration.name,
            rooms=(declaration.room,) if isinstance(declaration.room, str) else tuple(declaration.room),
            read=method,
            shared=declaration.shared,
            given=declaration.given,
        )


def _listeners(feature: object) -> Iterable[Listener]:
    for declaration, method in declared(feature, ListenerDeclaration):
        event, _ = check_handler(method, f"listener {declaration.name},", "event, delivery")
        if not (isinstance(declaration.event, type) and issubclass(declaration.event, msgspec.Struct)):
            raise DeclarationError(f"listener {declaration.name}: {declaration.event!r} is no class of msgspec.Struct")
        taken = annotation_of(method, event)
        # `Any` is a class too.
        if isinstance(taken, type) and issubclass(taken, msgspec.Struct) and not issubclass(declaration.event, taken):
            raise DeclarationError(
                f"listener {declaration.name} listens to {declaration.event.__name__}, but takes {taken.__name__}"
            )
        yield Listener(
            event=declaration.event, name=declaration.name, handler=method, transactional=declaration.transactional
        )


def _timers(feature: object) -> Iterable[Timer]:
    for declaration, method in declared(feature, TimerDeclaration):
        payload = payload_of(method, f"timer {declaration.name},", "payload!, delivery")
        yield Timer(name=declaration.name, payload=payload, handler=method)


def _rooms(declaration: CommandDeclaration) -> Mapping[str, str]:
    """The kinds of rooms of a command, each with its least role."""
    if isinstance(declaration.room, str):
        return {declaration.room: declaration.role or ""}
    if declaration.role is not None or not declaration.room:
        raise DeclarationError(
            f"command {declaration.name} is for several kinds of rooms; say the least role of each in `room`, "
            "and no `role`"
        )
    return dict(declaration.room)


def _rate(module: Module, declaration: CommandDeclaration) -> Rate | None:
    """The command's limit, from the module's settings where it is named there."""
    where = f"command {declaration.name} has rate={declaration.rate!r}"
    if declaration.rate is None:
        return None
    if isinstance(declaration.rate, Rate):
        return _possible(declaration.rate, where)
    if not isinstance(declaration.rate, str):
        raise DeclarationError(f"{where}; write a Rate, or the name of two settings")
    if module.settings_type is None:
        raise DeclarationError(f"{where}, but the module has no settings; name them in settings_type")
    settings = module.kernel.settings(module.settings_type)
    try:
        rate = Rate(
            count=getattr(settings, f"{declaration.rate}_count"),
            seconds=getattr(settings, f"{declaration.rate}_seconds"),
        )
    except AttributeError as error:
        raise DeclarationError(f"{where}, but {module.settings_type.__name__} has no {error.name}") from error
    return _possible(rate, where)


def _possible(rate: Rate, where: str) -> Rate:
    if rate.count < 1 or rate.seconds <= 0:
        raise DeclarationError(f"{where}: {rate.count} uses in {rate.seconds} seconds are no limit; use more than 0")
    return rate


def _check_name(module: Module, what: str, name: str, known: Container[str], rest: str = WHAT) -> None:
    prefix, _, own = name.partition(".")
    if prefix != module.name or not NAME.fullmatch(own):
        raise RegistryError(f"Module {module.name}: {what} {name} must be {module.name}.{rest}.")
    if name in known:
        raise RegistryError(f"Module {module.name} declares the {what} {name} twice.")
