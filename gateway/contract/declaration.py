"""How a feature declares itself: decorators leave a declaration on a method, and the registry reads it.

The registry calls `declared` on each feature of a module that was built, so the method it hands on is bound to a
complete object. What is wrong with a method raises DeclarationError, whose sentence the registry completes with the
name of the module.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import msgspec

D = TypeVar("D")
F = TypeVar("F", bound=Callable[..., Any])

ATTRIBUTE: Final = "_ksmp_declarations"


class DeclarationError(Exception):
    """A decorated method is not what its decorator needs."""


def declares(declaration: Any) -> Callable[[F], F]:
    """The decorator that leaves a declaration on a method and changes nothing else. A method may have several."""

    def mark(function: F) -> F:
        function.__dict__.setdefault(ATTRIBUTE, []).insert(0, declaration)
        return function

    return mark


def declared(feature: object, kind: type[D]) -> Iterator[tuple[D, Callable[..., Any]]]:
    """Each declaration of this kind on a method of the feature, with the bound method, in the order of the source."""
    names = {name: None for owner in reversed(type(feature).__mro__) for name in vars(owner)}
    for name in names:
        found = inspect.getattr_static(feature, name)
        # A staticmethod and a classmethod are marked themselves, or hold the function that is.
        holders = [found, found.__func__] if isinstance(found, staticmethod | classmethod) else [found]
        marked = [getattr(holder, "__dict__", {}).get(ATTRIBUTE, ()) for holder in holders]
        for declaration in next(filter(None, marked), ()):
            if isinstance(declaration, kind):
                yield declaration, getattr(feature, name)


def payload_of(method: Callable[..., Any], what: str, parameters: str) -> type[msgspec.Struct]:
    """The struct that a handler takes: the annotation of one of its parameters.

    `parameters` describes what the handler takes after `self`, such as `context, request!`; the one with the mark is
    the struct. Raises DeclarationError for a method that is not async, takes other arguments, or names no struct.
    """
    names = [name.strip() for name in parameters.split(",")]
    place = next(number for number, name in enumerate(names) if name.endswith("!"))
    given = check_handler(method, what, parameters.replace("!", ""))
    where = f"{what} {method.__qualname__}"
    try:
        hints = typing.get_type_hints(method)
    except NameError as error:
        raise DeclarationError(f"{where}: {error}; import the type at run time") from error
    except Exception as error:
        raise DeclarationError(f"{where}: its annotations cannot be read: {error}") from error
    kind = hints.get(given[place])
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        raise DeclarationError(f"{where}: annotate {given[place]} with a msgspec.Struct, which says what it may hold")
    check_struct(kind, where)
    return kind


def check_struct(kind: type[msgspec.Struct], where: str) -> None:
    """Raise DeclarationError for a struct that cannot be read, because a field is of no type or of one too many."""
    try:
        msgspec.json.Decoder(kind)
    except Exception as error:
        raise DeclarationError(f"{where}: the struct {kind.__name__} cannot be read: {error}") from error


def annotation_of(method: Callable[..., Any], parameter: str) -> object:
    """What a parameter is annotated with; None when it is not, or when that is not known at run time."""
    try:
        return typing.get_type_hints(method).get(parameter)
    except Exception:
        return None


def check_handler(method: Callable[..., Any], what: str, parameters: str) -> list[str]:
    """The names of the handler's parameters; raises DeclarationError unless it is async and takes so many."""
    where = f"{what} {method.__qualname__}"
    if not inspect.iscoroutinefunction(method):
        raise DeclarationError(f"{where} is not async; write `async def`")
    taken = list(inspect.signature(method).parameters.values())
    wanted = [name.strip() for name in parameters.split(",")]
    positional = [one for one in taken if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(positional) != len(wanted) or len(taken) != len(positional):
        raise DeclarationError(f"{where} takes ({', '.join(map(str, taken))}); it must take ({parameters})")
    return [one.name for one in positional]
