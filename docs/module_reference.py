"""Writes `docs/module-reference.md` from the code: `uv run python docs/module_reference.py`; a test compares them."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from gateway import contract, registry
from gateway.contract import (
    Access,
    Context,
    Database,
    Events,
    Filters,
    Identities,
    Intakes,
    Module,
    Rooms,
    Schedules,
    event_name,
)
from gateway.errors import KsmpError

PAGE: Final = Path(__file__).parent / "module-reference.md"

HEAD: Final = """# Reference for modules

What a module imports, calls, listens to and asks of its siblings. [Write a module](write-a-module.md) shows how it fits together. The docstrings say more than
the tables. This page is made by `docs/module_reference.py`; a test fails when it differs from the code.

A module may import everything of `gateway` that is named here, and of its siblings `events` and `facade`. Any other import of a sibling stops the start.
"""

NONCE: Final = """## Nonces

A client that does not know whether its command arrived sends it again with the same `nonce`, a text of its own choice. The command then happens once:

| the command | what makes it so |
|---|---|
| is `row_first` | the kernel keeps its answer by user, room, command and nonce. A repeat gets that answer and the method is not called |
| publishes with `context.publish` | the message is stored once. `context.publish` passes the nonce on, and a repeat gets the first one's `seq` |
| calls `kernel.rooms.publish` itself | pass `nonce=context.nonce` and `message_id=context.message_id` |
| does something else | the method is called again, and must come to the same result |

A push that carries a `nonce` shows it to the clients, so its author recognises the push as their own. `context.nonce` is None when the client sent none.
"""

HTTP: Final = """### Of Litestar

| import | in a route |
|---|---|
| `from litestar import Response, Router, delete, get, patch, post, put` | the decorators of routes; each takes `policy=` |
| `from litestar.di import NamedDependency` | `principal: NamedDependency[Principal]`, `span: NamedDependency[Span]`, `if_match: NamedDependency[IfMatch]`, `arrived_at: NamedDependency[datetime]`, and what `services(…)` names |
| `from litestar.params import FromPath` | `id: FromPath[str]`, a part of the path |
| `from litestar.params import JSONBody` | `data: JSONBody[Change]`, the body, checked against the struct `Change`; what does not fit is 400 `invalid` |
| `from litestar.params import QueryParameter` | `state: Annotated[str \\| None, QueryParameter(description="…")] = None` |

[gateway/http/README.md](../gateway/http/README.md) has the conventions of routes.
"""

# What the registry makes of a decorated method; no module makes one.
READ: Final = ("CommandSpec", "Listener", "SnapshotPart", "Timer")

# Of each file a module may import from, what it may use.
IMPORTS: Final[Sequence[tuple[str, Sequence[tuple[str, Sequence[str]]]]]] = (
    ("The contract", (("gateway.contract", [name for name in contract.__all__ if name not in READ]),)),
    (
        "Routes",
        (
            ("gateway.auth.policy", ("anyone", "signed_in", "roles", "otherwise")),
            ("gateway.http.services", ("services",)),
            ("gateway.http.listing", ("Page", "Span", "Sort", "page_of")),
            ("gateway.http.etag", ("IfMatch", "tagged", "etag")),
        ),
    ),
    (
        "Errors",
        (
            (
                "gateway.errors",
                (
                    *("Code", "BadInput", "Conflict", "Refused", "Restricted", "Limited", "Unavailable"),
                    *("invalid", "not_found", "forbidden"),
                ),
            ),
        ),
    ),
    (
        "The rest",
        (
            ("gateway.text", ("Texts", "checked", "display_name")),
            ("gateway.stale_cache", ("StaleCache",)),
            ("gateway.principal", ("Principal", "Role", "Author")),
            ("gateway.settings", ("setting",)),
            ("gateway.clock", ("now", "now_ms", "to_ms", "from_ms")),
            ("gateway.identifier", ("new_id",)),
            ("gateway.protocol.messages", ("Published", "Person", "Snapshot")),
        ),
    ),
)

LENT: Final = (
    ("context", Context),
    ("kernel.rooms", Rooms),
    ("kernel.database", Database),
    ("kernel.events", Events),
    ("kernel.intakes", Intakes),
    ("kernel.schedules", Schedules),
    ("kernel.filters", Filters),
    ("kernel.access", Access),
    ("kernel.identities", Identities),
)


MODULE: Final = """## What a module may override

`Module` in `gateway/contract/module.py` says what each attribute of the class holds. These methods have a default that does nothing:

| method | what it does |
|---|---|"""


def page() -> str:
    """The text of the page, as the code is now."""
    return (
        "\n".join(
            line for part in (_imports(), _module(), _lent(), _siblings(registry.load())) for line in part
        ).rstrip()
        + "\n"
    )


def _imports() -> Iterator[str]:
    yield HEAD
    yield "## What to import\n"
    for title, files in IMPORTS:
        yield f"### {title}\n"
        for file, names in files:
            yield f"From `{file}`:\n"
            yield "| name | what it is |"
            yield "|---|---|"
            found = importlib.import_module(file)
            for name in names:
                yield f"| {_code(_call(name, getattr(found, name)))} | {_first(getattr(found, name))} |"
            yield ""
        if title == "Routes":
            yield HTTP


def _module() -> Iterator[str]:
    yield MODULE
    for name, member in vars(Module).items():
        if not name.startswith("_") and inspect.isfunction(member):
            yield f"| {_code(_call(name, member))} | {_first(member)} |"
    yield ""


def _lent() -> Iterator[str]:
    yield "## What to call\n"
    yield "`kernel.settings(QuizSettings)` gives the module's settings. The rest, by what has it:\n"
    for what, kind in LENT:
        yield f"### `{what}`\n"
        if kind is Context:
            yield f"Fields: {_fields(Context.__dataclass_fields__, Context.__annotations__, hidden=('endings',))}\n"
        yield "| call | what it does |"
        yield "|---|---|"
        for name, member in vars(kind).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                yield f"| {_code(_call(name, member))} | {_first(member)} |"
            elif isinstance(member, property):
                yield f"| `{name}` | {_first(member)} |"
        yield ""
    yield NONCE


def _siblings(modules: Sequence[type[Module]]) -> Iterator[str]:
    yield "## Events\n"
    yield 'Listen with `@listener(SessionEnded, "quiz.session_ended")`; list the owner in `requires`, or in `hears` when the module can do without.'
    yield "Where the fields begin with `*`, a test that makes one gives them by their names.\n"
    for module in modules:
        if not module.emits:
            continue
        yield f"### {module.name}\n"
        yield f"From `{module.emits[0].__module__}`:\n"
        yield "| event | fields | when |"
        yield "|---|---|---|"
        structs: dict[str, type[msgspec.Struct]] = {}
        for event in module.emits:
            yield f"| `{event.__name__}` (`{event_name(event)}`) | {_fields_of(event)} | {_first(event)} |"
            structs |= _named(event, event.__module__)
        yield ""
        yield from _structs(structs)
    yield "## Facades\n"
    yield "Functions that read other modules' rows. They take `kernel.database`, and join the transaction around the call.\n"
    for module in modules:
        name = f"{module.__module__.rpartition('.')[0]}.facade"
        try:
            facade = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        yield f"### {module.name}\n"
        yield f"From `{name}`:\n"
        yield "| call | what it answers |"
        yield "|---|---|"
        for function, member in _functions(facade):
            yield f"| {_code(_call(function, member))} | {_first(member)} |"
        yield ""
        yield from _structs({one.__name__: one for one in _structs_of(facade)})


def _functions(facade: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    shown = getattr(facade, "__all__", None)
    for name, member in sorted(vars(facade).items()):
        own = getattr(member, "__module__", "") == facade.__name__ if shown is None else name in shown
        if inspect.isfunction(member) and own and not name.startswith("_"):
            yield name, member


def _structs_of(facade: ModuleType) -> list[type[msgspec.Struct]]:
    return [
        one
        for one in vars(facade).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == facade.__name__
    ]


def _named(struct: type[msgspec.Struct], file: str) -> dict[str, type[msgspec.Struct]]:
    """The structs that this one's fields are of, from the same file, and those that they are of."""
    found: dict[str, type[msgspec.Struct]] = {}
    known = vars(importlib.import_module(file))
    for word in re.findall(r"\w+", " ".join(map(str, struct.__annotations__.values()))):
        kind = known.get(word)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found |= {word: kind} | _named(kind, file)
    return found


def _structs(structs: dict[str, type[msgspec.Struct]]) -> Iterator[str]:
    if structs:
        yield "| struct | fields | |"
        yield "|---|---|---|"
        for name, struct in structs.items():
            yield f"| `{name}` | {_fields_of(struct)} | {_first(struct)} |"
        yield ""


def _fields_of(struct: type[msgspec.Struct]) -> str:
    """Its fields, behind a `*` when they are given by their names alone, as Python writes it in a signature."""
    parameters = inspect.signature(struct).parameters.values()
    by_name = any(one.kind is one.KEYWORD_ONLY for one in parameters)
    return ("`*`, " if by_name else "") + _fields(struct.__struct_fields__, inspect.get_annotations(struct))


def _fields(names: Any, hints: dict[str, Any], hidden: Sequence[str] = ()) -> str:
    return ", ".join(_code(f"{name}: {hints[name]}") for name in names if name not in hidden) or "none"


def _call(name: str, member: Any) -> str:
    """A function, or a class that is made by its user, as it is called; another class by its name alone."""
    if inspect.isclass(member) and (
        member is Context or not (is_dataclass(member) or issubclass(member, KsmpError | msgspec.Struct))
    ):
        return name
    signature = inspect.signature(member)
    kept = [one for one in signature.parameters.values() if one.name != "self"]
    shown = str(signature.replace(parameters=kept))
    # Annotations are texts, which the signature shows in quotes.
    for annotation in {one.annotation for one in kept} | {signature.return_annotation}:
        if isinstance(annotation, str):
            shown = shown.replace(repr(annotation), annotation)
    # A setting without a default, a default that is made, and a member of an enum.
    shown = re.sub(r"<(dataclasses\._MISSING_TYPE|factory|function) ?[^>]*>", "…", shown)
    shown = re.sub(r"\b(?:collections\.abc|typing|datetime|gateway(?:\.\w+)*)\.(?=\w)", "", shown)
    shown = re.sub(r"<(\w+)\.\w+: ('[^']*'|\d+)>", r"\2", shown).removesuffix(" -> None")
    return f"{'await ' if inspect.iscoroutinefunction(member) else ''}{name}{shown}"


def _first(member: Any) -> str:
    """The first sentence of a docstring."""
    text = inspect.cleandoc(member.__doc__ or "").partition("\n\n")[0]
    if text.startswith(f"{getattr(member, '__name__', '')}("):
        # What `dataclass` writes where nothing is said.
        return ""
    return _cell(" ".join(text.split()))


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
