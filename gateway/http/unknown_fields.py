"""Finds the fields of a body that its type does not have: a misspelt one would vanish without a word.

What a socket sends is not checked like this: the protocol ignores fields that it does not know.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import inspect

# Gives the path of each field of a value that its type does not have, such as `lessons[0].titel`.
Find = Callable[[Any, str], Iterator[str]]


def nothing(value: Any, path: str) -> Iterator[str]:
    yield from ()


@functools.cache
def finder(kind: Any) -> Find:
    """What finds the unknown fields of values of this type; types that msgspec does not know have none."""
    try:
        return _finder(inspect.type_info(kind), {})
    except TypeError:
        return nothing


def _finder(info: inspect.Type, known: dict[type, Find]) -> Find:
    match info:
        case inspect.StructType(cls=cls):
            if cls not in known:
                fields: dict[str, Find] = {}
                # Before its fields are looked at, because one may be of the same type again.
                known[cls] = functools.partial(_of_struct, fields, info.tag_field)
                fields.update((field.encode_name, _finder(field.type, known)) for field in info.fields)
            return known[cls]
        case (
            inspect.ListType(item_type=item)
            | inspect.SetType(item_type=item)
            | inspect.FrozenSetType(item_type=item)
            | inspect.VarTupleType(item_type=item)
        ):
            return _each(_finder(item, known))
        case inspect.DictType(value_type=item):
            return _values(_finder(item, known))
        case inspect.UnionType(types=types):
            return _one_of(types, known)
        case inspect.Metadata(type=inner):
            return _finder(inner, known)
    return nothing


def _of_struct(fields: Mapping[str, Find], tag: str | None, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        find = fields.get(name)
        if find is not None:
            yield from find(item, f"{path}.{name}" if path else name)
        elif name != tag:
            yield f"{path}.{name}" if path else name


def _each(find: Find) -> Find:
    def items(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from find(item, f"{path}[{number}]")

    return nothing if find is nothing else items


def _values(find: Find) -> Find:
    def values(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, dict):
            for name, item in value.items():
                yield from find(item, f"{path}.{name}" if path else name)

    return nothing if find is nothing else values


def _one_of(types: tuple[inspect.Type, ...], known: dict[type, Find]) -> Find:
    """msgspec allows one struct in a union, or several that are told apart by a tag."""
    structs = [info for info in types if isinstance(info, inspect.StructType)]
    tagged = {info.tag: (info.tag_field, _finder(info, known)) for info in structs if info.tag is not None}
    others = [_finder(info, known) for info in types if info not in structs or info.tag is None]

    def chosen(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, dict):
            for tag, (field, find) in tagged.items():
                if value.get(field) == tag:
                    yield from find(value, path)
                    return
        for find in others:
            yield from find(value, path)

    return chosen if tagged or any(find is not nothing for find in others) else nothing


def unknown(kind: Any, value: Any) -> list[str]:
    """The paths of the fields of a decoded value that its type does not have."""
    return list(finder(kind)(value, ""))
