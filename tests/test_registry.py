"""A module that breaks the contract stops the start, with a sentence that says which and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from litestar import WebSocket, websocket

from gateway import registry
from gateway.app import Gateway
from gateway.asgi import create_app
from gateway.auth.policy import signed_in
from gateway.contract import (
    Context,
    Delivery,
    Module,
    PushType,
    Rate,
    RoomKind,
    command,
    listener,
    snapshot_part,
    timer,
)
from gateway.declarations import Declarations
from gateway.principal import Principal
from gateway.registry import RegistryError
from gateway.settings import setting


class Request(msgspec.Struct):
    pass


async def host(principal: Principal, id: str) -> str:
    return "host"


def feature(**methods: Any) -> object:
    """A feature with these methods, as a class body would have them."""
    return type("Feature", (), methods)()


def asks(name: str, rooms: str = "hall", role: str = "guest") -> object:
    """A feature with one command."""

    @command(name, room=rooms, role=role)
    async def ask(self: object, context: Context, request: Request) -> None:
        return None

    return feature(ask=ask)


def kind(name: str, roles: Sequence[str] = ("guest", "host")) -> RoomKind:
    return RoomKind(name=name, roles=roles, authorize=host)


def module(name: str, **attributes: Any) -> type[Module]:
    return type("Made", (Module,), {"name": name, **attributes})


def declared(*modules: type[Module]) -> Declarations:
    return Gateway.described(registry.ordered(modules)).declarations


HALL = module("halls", rooms=(kind("hall"),))


def broken(*modules: type[Module]) -> str:
    with pytest.raises(RegistryError) as caught:
        declared(*modules)
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
    assert [one.name for one in registry.load(("files", "accounts"))] == ["accounts", "files"]
    assert [one.name for one in registry.load(("accounts",))] == ["accounts"]


def test_each_gateway_builds_modules_of_its_own() -> None:
    # Both are held: the memory of what is let go may be given out again at once.
    first, second = Gateway.described(registry.load()), Gateway.described(registry.load())
    assert not {id(one) for one in first.modules} & {id(one) for one in second.modules}


def test_modules_come_after_those_they_require() -> None:
    a, b = module("a", requires=("b", "c")), module("b", requires=("c",))
    c, d = module("c"), module("d", requires=("a",))
    assert [one.name for one in registry.ordered([d, a, b, c])] == ["c", "b", "a", "d"]
    assert registry.ordered([]) == []


def test_not_installed() -> None:
    with pytest.raises(RegistryError, match=r"^Module quizzes is not installed; installed are: accounts, .*\.$"):
        registry.load(("accounts", "quizzes"))


def test_a_sibling_that_is_not_installed() -> None:
    assert broken(module("quiz", requires=("lives",))).startswith("Module quiz requires lives, which is not installed;")


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


def test_a_socket_of_a_module_s_own() -> None:
    @websocket("/echo", policy=signed_in())
    async def echo(socket: WebSocket[Any, Any, Any]) -> None: ...

    with pytest.raises(RegistryError, match="echoes has a WebSocket route at /api/v1/echo; a client has one"):
        create_app(Gateway.described([module("echoes", routes=(echo,))]))


def test_a_command_twice() -> None:
    sentence = broken(
        HALL,
        module(
            "quiz",
            features=(
                asks("quiz.ask"),
                asks(
                    "quiz.ask",
                ),
            ),
        ),
    )
    assert "Module quiz" in sentence
    assert "quiz.ask" in sentence


@pytest.mark.parametrize("name", ["poll.ask", "ask", "quiz", "quiz.", "quiz.ask.now", "quiz.Ask", "Quiz.ask", ".ask"])
def test_a_command_without_its_module_s_prefix(name: str) -> None:
    sentence = broken(HALL, module("quiz", features=(asks(name),)))
    assert sentence.startswith("Module quiz: ")
    assert "quiz.<verb>" in sentence


def test_a_command_for_rooms_nobody_owns() -> None:
    sentence = broken(HALL, module("quiz", features=(asks("quiz.ask", rooms="attic"),)))
    assert sentence.startswith("Module quiz: command quiz.ask is for rooms of kind attic")


def test_a_command_for_a_role_the_room_does_not_have() -> None:
    sentence = broken(HALL, module("quiz", features=(asks("quiz.ask", role="king"),)))
    assert sentence.startswith("Module quiz: command quiz.ask needs the role king")
    assert "guest, host" in sentence


def test_a_command_of_several_kinds_of_rooms() -> None:
    def asked(room: Any, role: str | None = None) -> Any:
        @command("quiz.ask", room=room, role=role)
        async def ask(self: object, context: Context, request: Request) -> None: ...

        return module("quiz", features=(feature(ask=ask),))

    halls = module("halls", rooms=(kind("hall"), kind("yard", roles=("boss",))))
    spec = declared(halls, asked({"hall": "guest", "yard": "boss"})).commands["quiz.ask"]
    assert spec.rooms == {"hall": "guest", "yard": "boss"}
    assert "needs the role host, but rooms of kind yard" in broken(halls, asked({"hall": "guest", "yard": "host"}))
    assert "is for rooms of kind attic" in broken(halls, asked({"hall": "guest", "attic": "host"}))
    assert "say the least role of each" in broken(halls, asked({"hall": "guest"}, "guest"))
    parts = declared(halls, module("guests", features=(part("guests.list", rooms=("hall", "yard")),))).snapshots
    assert [parts["hall"], parts["yard"]] == [parts["hall"], parts["hall"]]


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
    found = declared(module("quiz", features=(asks("quiz.ask", role="host"),)), HALL)
    assert list(found.commands) == ["quiz.ask"]
    assert list(found.rooms) == ["hall"]


def test_settings_of_a_module_have_its_prefix() -> None:
    assert registry.settings_prefix(module("quiz")) == "KSMP_QUIZ_"


class Opened(msgspec.Struct, frozen=True, tag="halls.Opened"):
    pass


def hears(name: str, event: type[msgspec.Struct] = Opened) -> object:
    """A feature with one listener."""

    @listener(event, name)
    async def take(self: object, event: Any, delivery: Delivery) -> None:
        return None

    return feature(take=take)


def test_a_listener_hears_its_own_module_and_those_it_requires() -> None:
    halls = module("halls", emits=(Opened,), features=(hears("halls.again"),))
    guests = module("guests", requires=("halls",), features=(hears("guests.come"),))
    found = declared(guests, halls)
    assert sorted(found.listeners) == ["guests.come", "halls.again"]
    assert found.events == {"halls.Opened": Opened}


def test_a_listener_of_a_module_that_is_not_required() -> None:
    halls = module("halls", emits=(Opened,))
    guests = module("guests", features=(hears("guests.come"),))
    assert "Module guests: guests.come listens to halls.Opened; list its owner" in broken(halls, guests)


def test_a_listener_of_a_module_that_may_be_off() -> None:
    halls = module("halls", requires=("guests",), emits=(Opened,))
    guests = module("guests", hears=("halls",), features=(hears("guests.come"),))
    assert declared(halls, guests).listeners.keys() == {"guests.come"}
    assert declared(guests).listeners == {}


def test_a_listener_of_what_nobody_emits() -> None:
    guests = module("guests", requires=("halls",), features=(hears("guests.come"),))
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
        ((object,), "<class 'object'> in `emits` is no class of msgspec.Struct"),
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


def waits(name: str) -> object:
    """A feature with one timer."""

    @timer(name)
    async def wake(self: object, payload: Request, delivery: Delivery) -> None:
        return None

    return feature(wake=wake)


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        ((hears("guests.come"),), "listener guests.come must be halls.<what>"),
        ((hears("halls.a.b"),), "listener halls.a.b must be halls.<what>"),
        ((hears("halls.a"), hears("halls.a")), "declares the listener halls.a twice"),
        ((waits("close"),), "timer close must be halls.<what>"),
        ((waits("halls.a"), waits("halls.a")), "declares the timer halls.a twice"),
        ((waits("halls.a"), hears("halls.a")), "declares the listener halls.a twice"),
    ],
)
def test_names_of_listeners_and_timers(features: tuple[object, ...], sentence: str) -> None:
    assert sentence in broken(module("halls", emits=(Opened,), features=features))


def part(name: str, rooms: str = "hall", *, shared: bool = False) -> object:
    """A feature with one part of a snapshot."""

    @snapshot_part(name, room=rooms, shared=shared)
    async def read(self: object, context: Context) -> Request:
        return Request()

    return feature(read=read)


def given(name: str) -> object:
    """A feature with what completes a shared part."""

    @snapshot_part(name, room="hall", given=name)
    async def read(self: object, context: Context, value: Request | None) -> Request:
        return Request()

    return feature(read=read)


def test_parts_of_a_snapshot() -> None:
    guests = module("guests", requires=("halls",), features=(part("guests.list"),))
    halls = module("halls", rooms=(kind("hall"),), features=(part("halls.doors"),))
    assert [one.name for one in declared(guests, halls).snapshots["hall"]] == ["halls.doors", "guests.list"]
    assert "snapshot part list must be guests.<what>" in broken(HALL, module("guests", features=(part("list"),)))
    twice = module("guests", features=(part("guests.list"), part("guests.list")))
    assert "declares the snapshot part guests.list twice" in broken(HALL, twice)
    parts = declared(halls, module("guests", features=(part("guests.list", shared=True), given("guests.list"))))
    assert [one.given for one in parts.snapshots["hall"]] == ["", "", "guests.list"]
    alone = module("guests", features=(part("guests.list"), given("guests.list")))
    assert "declares the snapshot part guests.list twice" in broken(HALL, alone)
    stray = module("guests", features=(part("guests.list", rooms="attic"),))
    assert "guests.list is for rooms of kind attic, which no module owns" in broken(HALL, stray)


class Pinned(msgspec.Struct, frozen=True):
    pass


def test_pushes() -> None:
    pin = PushType("halls.pin", Pinned)
    assert declared(module("halls", features=(feature(pushes=(pin,)),))).pushes == {"halls.pin": pin}
    assert "push guests.pin must be halls.<what>" in broken(module("halls", pushes=(PushType("guests.pin", Pinned),)))
    assert "declares the push halls.pin twice" in broken(module("halls", pushes=(pin, pin)))
    assert "'halls.pin' in `pushes` is no PushType" in broken(module("halls", pushes=("halls.pin",)))


@command("quiz.ask", room="hall", role="guest")
async def takes_no_struct(self: object, context: Context, request: dict[str, int]) -> None: ...


@command("quiz.ask", room="hall", role="guest")
async def names_no_type(self: object, context: Context, request) -> None: ...  # type: ignore[no-untyped-def]


@command("quiz.ask", room="hall", role="guest")  # type: ignore[type-var]
def waits_for_nothing(self: object, context: Context, request: Request) -> None: ...


@command("quiz.ask", room="hall", role="guest")  # type: ignore[type-var]
async def takes_too_little(self: object, request: Request) -> None: ...


@command("quiz.ask", room="hall", role="guest", rate="ask_rate")
async def has_no_such_limit(self: object, context: Context, request: Request) -> None: ...


@listener(Opened, "quiz.hear")  # type: ignore[type-var]
async def hears_without_delivery(self: object, event: Opened) -> None: ...


@timer("quiz.close")
async def wakes_for_a_number(self: object, payload: int, delivery: Delivery) -> None: ...


class Unfinished(msgspec.Struct):
    field: NoSuchType  # type: ignore[name-defined]  # noqa: F821


class Ambiguous(msgspec.Struct):
    field: list[int] | set[int]


@command("quiz.ask", room="hall", role="guest")
async def takes_an_unfinished_struct(self: object, context: Context, request: Unfinished) -> None: ...


@command("quiz.ask", room="hall", role="guest")
async def takes_an_ambiguous_struct(self: object, context: Context, request: Ambiguous) -> None: ...


@timer("quiz.close")
async def wakes_with_an_unfinished_struct(self: object, payload: Unfinished, delivery: Delivery) -> None: ...


@command("quiz.ask", room="hall", role="guest")
async def names_what_a_package_lacks(self: object, context: Context, request: msgspec.Nothing) -> None: ...  # type: ignore[name-defined]


@command("quiz.ask", room="hall", role="guest", rate=Rate(count=0, seconds=10.0))
async def may_never_be_used(self: object, context: Context, request: Request) -> None: ...


@command("quiz.ask", room="hall", role="guest", rate=Rate(count=5, seconds=0.0))
async def has_a_limit_of_no_time(self: object, context: Context, request: Request) -> None: ...


@command("quiz.ask", room="hall", role="guest", rate=5)  # type: ignore[arg-type]
async def has_a_number_for_a_rate(self: object, context: Context, request: Request) -> None: ...


@listener(Opened, "quiz.hear")
async def takes_another_event(self: object, event: Request, delivery: Delivery) -> None: ...


@listener(int, "quiz.hear")  # type: ignore[arg-type]
async def hears_a_number(self: object, event: int, delivery: Delivery) -> None: ...


@snapshot_part("quiz.now", room="hall")  # type: ignore[type-var]
def reads_at_once(self: object, context: Context) -> Request: ...


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        (takes_no_struct, "annotate request with a msgspec.Struct"),
        (names_no_type, "annotate request with a msgspec.Struct"),
        (waits_for_nothing, "waits_for_nothing is not async; write `async def`"),
        (takes_too_little, "it must take (context, request)"),
        (has_no_such_limit, "command quiz.ask has rate='ask_rate', but the module has no settings"),
        (hears_without_delivery, "it must take (event, delivery)"),
        (wakes_for_a_number, "annotate payload with a msgspec.Struct"),
        (reads_at_once, "reads_at_once is not async"),
        (takes_an_unfinished_struct, "the struct Unfinished cannot be read: name 'NoSuchType' is not defined"),
        (takes_an_ambiguous_struct, "the struct Ambiguous cannot be read: Type unions may not contain more than one"),
        (wakes_with_an_unfinished_struct, "the struct Unfinished cannot be read: name 'NoSuchType' is not defined"),
        (names_what_a_package_lacks, "its annotations cannot be read: module 'msgspec' has no attribute 'Nothing'"),
        (may_never_be_used, "0 uses in 10.0 seconds are no limit"),
        (has_a_limit_of_no_time, "5 uses in 0.0 seconds are no limit"),
        (has_a_number_for_a_rate, "has rate=5; write a Rate, or the name of two settings"),
        (takes_another_event, "listener quiz.hear listens to Opened, but takes Request"),
        (hears_a_number, "<class 'int'> is no class of msgspec.Struct"),
    ],
)
def test_a_method_that_its_decorator_cannot_use(method: Any, sentence: str) -> None:
    quiz = module("quiz", requires=("halls",), features=(feature(method=method),))
    found = broken(module("halls", rooms=(kind("hall"),), emits=(Opened,)), quiz)
    assert found.startswith("Module quiz: ")
    assert sentence in found


def test_a_listener_may_take_what_its_event_is_one_of() -> None:
    class Hears:
        @listener(Opened, "halls.hear")
        async def hear(self, event: msgspec.Struct, delivery: Delivery) -> None: ...

        @listener(Opened, "halls.hear_too")
        async def hear_too(self, event: Any, delivery: Delivery) -> None: ...

        @listener(Opened, "halls.hear_later")
        async def hear_later(self, event: NoSuchType, delivery: Delivery) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    found = declared(module("halls", emits=(Opened,), features=(Hears(),)))
    assert list(found.listeners) == ["halls.hear", "halls.hear_too", "halls.hear_later"]


def test_a_static_and_a_class_method_are_declared() -> None:
    class Static:
        @staticmethod
        @command("halls.ask", room="hall", role="guest")  # type: ignore[type-var]
        async def ask(context: Context, request: Request) -> None: ...

        @classmethod
        @command("halls.tell", room="hall", role="guest")
        async def tell(cls, context: Context, request: Request) -> None: ...

        @command("halls.show", room="hall", role="guest")  # type: ignore[type-var]
        @staticmethod
        async def show(context: Context, request: Request) -> None: ...

    found = declared(module("halls", rooms=(kind("hall"),), features=(Static(),)))
    assert list(found.commands) == ["halls.ask", "halls.tell", "halls.show"]


def test_an_override_counts_as_it_is_written() -> None:
    class Asks:
        @command("halls.ask", room="hall", role="guest")
        async def ask(self, context: Context, request: Request) -> None: ...

    class Again(Asks):
        @command("halls.ask", room="hall", role="host")
        async def ask(self, context: Context, request: Request) -> None: ...

    class Never(Asks):
        async def ask(self, context: Context, request: Request) -> None: ...

    class Inherits(Asks):
        pass

    roles = {
        one: [spec.rooms["hall"] for spec in declared(asked).commands.values()]
        for one in (Again, Never, Inherits)
        for asked in [module("halls", rooms=(kind("hall"),), features=(one(),))]
    }
    assert roles == {Again: ["host"], Never: [], Inherits: ["guest"]}


def test_what_else_a_feature_has_is_left_alone() -> None:
    class Answers:
        def __getattr__(self, name: str) -> int:
            return 5

    class Busy:
        anything = Answers()

        @property
        def late(self) -> int:
            raise AssertionError("nobody asked")

        @command("halls.ask", room="hall", role="guest")
        async def ask(self, context: Context, request: Request) -> None: ...

    assert list(declared(module("halls", rooms=(kind("hall"),), features=(Busy(),))).commands) == ["halls.ask"]


def test_a_room_that_is_no_kind() -> None:
    assert broken(module("halls", rooms=("hall",))) == "Module halls: 'hall' in `rooms` is no RoomKind."


def test_an_event_that_cannot_be_read() -> None:
    class Opened(msgspec.Struct, frozen=True, tag="halls.Opened"):
        field: NoSuchType  # type: ignore[name-defined]  # noqa: F821

    assert broken(module("halls", emits=(Opened,))) == (
        "Module halls: event halls.Opened: the struct Opened cannot be read: name 'NoSuchType' is not defined."
    )


def test_a_rate_that_the_settings_do_not_have() -> None:
    @dataclass(frozen=True, kw_only=True)
    class QuizSettings:
        ask_rate_count: int = setting(5, doc="How many questions")

    quiz = module("quiz", features=(feature(method=has_no_such_limit),), settings_type=QuizSettings)
    assert "but QuizSettings has no ask_rate_seconds" in broken(HALL, quiz)


@dataclass(kw_only=True)
class NotFrozen:
    limit: int = setting(5, doc="How many questions")


@dataclass(frozen=True, kw_only=True)
class NoSetting:
    limit: int = 5


@dataclass(frozen=True, kw_only=True)
class NotOfText:
    words: list[str] = setting((), doc="Words")  # noqa: RUF009


class NoDataclass:
    limit = 5


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (NotFrozen, "settings_type NotFrozen is no frozen dataclass"),
        (NoDataclass, "settings_type NoDataclass is no frozen dataclass"),
        (NotFrozen(), "is no frozen dataclass"),
        (NoSetting, "NoSetting.limit is no setting; write limit: … = setting(…, doc=…)"),
        (NotOfText, "NotOfText.words is of a type that no variable has"),
    ],
)
def test_settings_of_a_wrong_kind(kind: Any, sentence: str) -> None:
    assert broken(module("quiz", settings_type=kind)).startswith("Module quiz: ")
    assert sentence in broken(module("quiz", settings_type=kind))


@pytest.mark.parametrize("attribute", ["requires", "hears", "emits", "tables", "features", "rooms", "routes", "pages"])
def test_one_entry_without_its_comma(attribute: str) -> None:
    assert broken(module("quiz", **{attribute: "live"})).startswith(f"Module quiz: `{attribute}` is no tuple;")


@pytest.mark.parametrize("attribute", ["pushes", "commands", "snapshots", "listens", "timers"])
def test_one_entry_of_a_feature_without_its_comma(attribute: str) -> None:
    one = feature(**{attribute: PushType("quiz.said", Request)})
    assert broken(module("quiz", features=(one,))).startswith(f"Module quiz: `{attribute}` is no tuple;")


def test_a_feature_that_was_not_built() -> None:
    assert "`features` holds the class Feature; build it" in broken(module("quiz", features=(type(feature()),)))


def test_a_module_that_does_not_keep_its_kernel() -> None:
    forgetful = module("quiz", __init__=lambda self, kernel: None)
    assert broken(forgetful) == "Module quiz: `__init__` must begin with super().__init__(kernel)."


def test_a_timer_without_a_name() -> None:
    async def close(self: object, payload: Request, delivery: Delivery) -> None:
        return None

    with pytest.raises(TypeError, match="needs a name"):
        timer(close)  # type: ignore[arg-type]


def test_tables_that_are_none() -> None:
    assert broken(module("quiz", tables=("quiz_answer",))).startswith(
        "Module quiz: 'quiz_answer' in `tables` is no Piccolo table"
    )
    assert "is no Piccolo table" in broken(module("quiz", tables=(Request,)))
