"""A module that breaks the contract stops the start, with a sentence that says which and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from gateway import registry
from gateway.contract import Command, Context, Delivery, Listener, Module, RoomKind, SnapshotPart, Timer
from gateway.principal import Principal
from gateway.registry import RegistryError


class Request(msgspec.Struct):
    pass


async def host(principal: Principal, id: str) -> str:
    return "host"


async def nothing(context: Context, request: Request) -> None:
    return None


def command(name: str, rooms: str = "hall", role: str = "guest") -> Command:
    return Command(name=name, rooms=rooms, role=role, request=Request, handler=nothing)


def kind(name: str, roles: Sequence[str] = ("guest", "host")) -> RoomKind:
    return RoomKind(name=name, roles=roles, authorize=host)


def module(name: str, **attributes: Any) -> Module:
    made: Module = type("Made", (Module,), {"name": name, **attributes})()
    return made


HALL = module("halls", rooms=(kind("hall"),))


def broken(*modules: Module) -> str:
    with pytest.raises(RegistryError) as caught:
        registry.ordered(modules)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_the_built_in_modules_come_through_the_same_door() -> None:
    names = [one.name for one in registry.load()]
    assert set(names) == set(registry.installed()) >= {"accounts", "programs", "live", "chat"}
    for one in registry.load():
        assert all(names.index(sibling) < names.index(one.name) for sibling in one.requires)


def test_some_modules_may_be_on_alone() -> None:
    assert [one.name for one in registry.load(("programs", "accounts"))] == ["accounts", "programs"]
    assert [one.name for one in registry.load(("accounts",))] == ["accounts"]


def test_each_load_makes_modules_of_its_own() -> None:
    # Both are held: the memory of what is let go may be given out again at once.
    first, second = registry.load(), registry.load()
    assert not {id(one) for one in first} & {id(one) for one in second}


def test_modules_come_after_those_they_require() -> None:
    a, b = module("a", requires=("b", "c")), module("b", requires=("c",))
    c, d = module("c"), module("d", requires=("a",))
    assert [one.name for one in registry.ordered([d, a, b, c])] == ["c", "b", "a", "d"]
    assert registry.ordered([]) == []


def test_not_installed() -> None:
    with pytest.raises(RegistryError, match=r"^Module quizzes is not installed; installed are: accounts, .*\.$"):
        registry.load(("accounts", "quizzes"))


def test_a_sibling_that_is_off() -> None:
    with pytest.raises(RegistryError, match=r"^Module programs requires accounts, .* add it to KSMP_MODULES\.$"):
        registry.load(("programs",))


@pytest.mark.parametrize("name", ["", "Quiz", "1quiz", "quiz.app", "quiz-app", "quiz app", "x" * 33, "quiz\n"])
def test_a_bad_name(name: str) -> None:
    assert repr(name) in broken(module(name))


def test_two_modules_of_one_name() -> None:
    assert broken(module("quiz"), module("quiz")).startswith("Two modules are called quiz")


@pytest.mark.parametrize(
    ("requires", "circle"),
    [
        ({"a": ("a",)}, "a → a"),
        ({"a": ("b",), "b": ("a",)}, "a → b → a"),
        ({"z": ("a",), "a": ("b",), "b": ("c",), "c": ("a",)}, "a → b → c → a"),
    ],
)
def test_a_circle(requires: dict[str, tuple[str, ...]], circle: str) -> None:
    sentence = broken(*(module(name, requires=siblings) for name, siblings in requires.items()))
    assert f": {circle};" in sentence


def test_a_command_twice() -> None:
    sentence = broken(HALL, module("quiz", commands=(command("quiz.ask"), command("quiz.ask"))))
    assert "Module quiz" in sentence
    assert "quiz.ask" in sentence


@pytest.mark.parametrize("name", ["poll.ask", "ask", "quiz", "quiz.", "quiz.ask.now", "quiz.Ask", "Quiz.ask", ".ask"])
def test_a_command_without_its_module_s_prefix(name: str) -> None:
    sentence = broken(HALL, module("quiz", commands=(command(name),)))
    assert sentence.startswith("Module quiz: ")
    assert "quiz.<verb>" in sentence


def test_a_command_for_rooms_nobody_owns() -> None:
    sentence = broken(HALL, module("quiz", commands=(command("quiz.ask", rooms="attic"),)))
    assert sentence.startswith("Module quiz: command quiz.ask is for rooms of kind attic")


def test_a_command_for_a_role_the_room_does_not_have() -> None:
    sentence = broken(HALL, module("quiz", commands=(command("quiz.ask", role="king"),)))
    assert sentence.startswith("Module quiz: command quiz.ask needs the role king")
    assert "guest, host" in sentence


def test_two_owners_of_a_kind() -> None:
    sentence = broken(HALL, module("palace", rooms=(kind("hall"),)))
    assert sentence.startswith("Modules halls and palace both own rooms of kind hall")


@pytest.mark.parametrize("name", ["", "Hall", "main-hall", "main.hall", "x" * 33, "*"])
def test_a_kind_without_a_proper_name(name: str) -> None:
    assert "Module palace" in broken(module("palace", rooms=(kind(name),)))


def test_a_kind_without_roles() -> None:
    sentence = broken(module("palace", rooms=(kind("hall", roles=()),)))
    assert sentence.startswith("Module palace: room kind hall")


def test_a_command_may_be_another_module_s_guest() -> None:
    modules = registry.ordered([module("quiz", commands=(command("quiz.ask", role="host"),)), HALL])
    assert list(registry.commands(modules)) == ["quiz.ask"]
    assert list(registry.room_kinds(modules)) == ["hall"]


def test_settings_of_a_module_have_its_prefix() -> None:
    assert registry.settings_prefix(module("quiz")) == "KSMP_QUIZ_"


class Opened(msgspec.Struct, frozen=True, tag="halls.Opened"):
    pass


async def take(event: Any, delivery: Delivery) -> None:
    return None


def listener(name: str, event: type[msgspec.Struct] = Opened) -> Listener:
    return Listener(event=event, name=name, handler=take)


def test_a_listener_hears_its_own_module_and_those_it_requires() -> None:
    halls = module("halls", emits=(Opened,), listens=(listener("halls.again"),))
    guests = module("guests", requires=("halls",), listens=(listener("guests.come"),))
    made = registry.ordered([guests, halls])
    assert sorted(registry.listeners(made)) == ["guests.come", "halls.again"]
    assert registry.events(made) == {"halls.Opened": Opened}


def test_a_listener_of_a_module_that_is_not_required() -> None:
    halls = module("halls", emits=(Opened,))
    guests = module("guests", listens=(listener("guests.come"),))
    assert "Module guests: guests.come listens to halls.Opened; list its owner" in broken(halls, guests)


def test_a_listener_of_a_module_that_may_be_off() -> None:
    halls = module("halls", requires=("guests",), emits=(Opened,))
    guests = module("guests", hears=("halls",), listens=(listener("guests.come"),))
    assert registry.listeners(registry.ordered([halls, guests])).keys() == {"guests.come"}
    assert registry.listeners(registry.ordered([guests])) == {}


def test_a_listener_of_what_nobody_emits() -> None:
    guests = module("guests", requires=("halls",), listens=(listener("guests.come"),))
    assert "which halls does not emit; add it to `emits` there" in broken(HALL, guests)


class Untagged(msgspec.Struct, frozen=True):
    pass


class Foreign(msgspec.Struct, frozen=True, tag="guests.Came"):
    pass


class Lower(msgspec.Struct, frozen=True, tag="halls.opened"):
    pass


class Twin(msgspec.Struct, frozen=True, tag="halls.Opened"):
    pass


class Changing(msgspec.Struct, tag="halls.Changing"):
    pass


class Listed(msgspec.Struct, frozen=True, array_like=True, tag="halls.Listed"):
    pass


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ((Untagged,), "the event Untagged needs the tag halls.<WhatHappened>"),
        ((Foreign,), "the event Foreign needs the tag halls.<WhatHappened>"),
        ((Lower,), "the event Lower needs the tag halls.<WhatHappened>"),
        ((Opened, Twin), "emits two events with the tag halls.Opened"),
        ((Changing,), "the event halls.Changing must be a frozen struct"),
        ((Listed,), "the event halls.Listed must be a frozen struct"),
    ],
)
def test_events_that_are_none(events: Sequence[type[msgspec.Struct]], sentence: str) -> None:
    assert sentence in broken(module("halls", emits=events))


def timer(name: str) -> Timer:
    return Timer(name=name, payload=Request, handler=take)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"listens": (listener("guests.come"),)}, "listener guests.come must be halls.<what>"),
        ({"listens": (listener("halls.a.b"),)}, "listener halls.a.b must be halls.<what>"),
        ({"listens": (listener("halls.a"), listener("halls.a"))}, "declares the listener halls.a twice"),
        ({"timers": (timer("close"),)}, "timer close must be halls.<what>"),
        ({"timers": (timer("halls.a"), timer("halls.a"))}, "declares the timer halls.a twice"),
        ({"timers": (timer("halls.a"),), "listens": (listener("halls.a"),)}, "declares the timer halls.a twice"),
    ],
)
def test_names_of_listeners_and_timers(parts: dict[str, Any], sentence: str) -> None:
    assert sentence in broken(module("halls", emits=(Opened,), **parts))


def part(name: str, rooms: str = "hall") -> SnapshotPart:
    async def read(context: Context) -> Request:
        return Request()

    return SnapshotPart(name=name, rooms=rooms, read=read)


def test_parts_of_a_snapshot() -> None:
    guests = module("guests", requires=("halls",), snapshots=(part("guests.list"),))
    halls = module("halls", rooms=(kind("hall"),), snapshots=(part("halls.doors"),))
    assert [one.name for one in registry.snapshots([halls, guests])["hall"]] == ["halls.doors", "guests.list"]
    assert "snapshot part list must be guests.<what>" in broken(HALL, module("guests", snapshots=(part("list"),)))
    twice = module("guests", snapshots=(part("guests.list"), part("guests.list")))
    assert "declares the snapshot part guests.list twice" in broken(HALL, twice)
    stray = module("guests", snapshots=(part("guests.list", rooms="attic"),))
    assert "guests.list is for rooms of kind attic, which no module owns" in broken(HALL, stray)
