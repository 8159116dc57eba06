"""Whatever a model allows passes, and whatever it forbids is found: for every operation of every service."""

from __future__ import annotations

import re
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from devcloud.model import SERVICES, Models, Operation
from devcloud.validation import Malformed, problems

OPERATIONS = Models().operations

Document = dict[str, Any]


def strings(shape: Any) -> st.SearchStrategy[str]:
    """Good values of a string."""
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    least, most = shape.metadata.get("min", 0), min(shape.metadata.get("max", 40), 300)
    pattern = shape.metadata.get("pattern")
    if pattern is None:
        return st.text(min_size=least, max_size=most)
    # The one letter that the models have for a resource's kind is a mistake of theirs.
    known = re.compile(pattern.replace("[a-z-]/", "[a-z-]+/"))
    found = st.from_regex(known, fullmatch=True, alphabet=st.characters(max_codepoint=127))
    return found.filter(lambda text: least <= len(text) <= most)


def values(shape: Any) -> st.SearchStrategy[Any]:
    """Good values of a shape."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    match shape.type_name:
        case "structure":
            required = {name: values(shape.members[name]) for name in shape.required_members}
            optional = {name: values(kind) for name, kind in shape.members.items() if name not in required}
            return st.fixed_dictionaries(required, optional=optional)
        case "list":
            return st.lists(values(shape.member), min_size=least or 0, max_size=min(most or 2, (least or 0) + 2))
        case "map":
            return st.dictionaries(values(shape.key), values(shape.value), max_size=2)
        case "string":
            return strings(shape)
        case "boolean":
            return st.booleans()
        case "float":
            return st.floats(min_value=least, max_value=most, allow_nan=False)
        case _:
            return st.integers(min_value=least, max_value=most)


def bad(shape: Any) -> list[Any]:
    """Values of the right JSON type that break one constraint of a shape, as many as it has."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    found: list[Any] = []
    match shape.type_name:
        case "string":
            found += ["~ \n"] if shape.metadata.get("pattern") or shape.metadata.get("enum") else []
            found += ["a" * (most + 1)] if most is not None else []
            found += [""] if least else []
        case "integer" | "long" | "float":
            found += [least - 1] if least is not None else []
            found += [most + 1] if most is not None else []
        case "list" if least:
            found += [[]]
    return found


@pytest.mark.parametrize("service", SERVICES)
@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=40)
def test_what_the_model_allows_passes(service: str, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from([one for one in OPERATIONS if one.service == service and one.input]))
    document = data.draw(values(operation.input))
    assert operation.check(document) == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.key)
def test_what_the_model_forbids_is_found(operation: Operation) -> None:
    if operation.input is None:
        return
    missing = operation.check({})
    assert len(missing) == len(operation.input.required_members)
    for name, shape in operation.input.members.items():
        for value in bad(shape):
            found = [text for text in operation.check({name: value}) if text not in missing]
            assert any(f"at '{name}' failed to satisfy constraint" in text for text in found), (name, value)
        wrong = [] if shape.type_name != "list" else {}
        with pytest.raises(Malformed):
            operation.check({name: wrong})


def test_problems_say_where_they_are() -> None:
    operation = next(one for one in OPERATIONS if one.key == "ivs-realtime.StartComposition")
    document = {
        "stageArn": "arn:aws:ivs:us-east-1:1:stage/a",
        "destinations": [{"channel": {}}, {"name": "~"}, {}],
        "layout": {"grid": {"gridGap": -1}},
    }
    text = "\n".join(problems(operation.input, document))
    for part in ("'destinations.1.member.channel.channelArn'", "'destinations.2.member.name'", "'layout.grid.gridGap'"):
        assert part in text
    assert "Member must have length less than or equal to 2" in text
    # `true` is no number, whatever Python thinks.
    with pytest.raises(Malformed):
        problems(operation.input, {"layout": {"grid": {"gridGap": True}}})


def test_a_page_is_as_long_as_the_model_says() -> None:
    for key, path, size in (
        ("ivs.ListChannels", "/ListChannels", 100),
        ("ivs.ListStreamKeys", "/ListStreamKeys", 1),
        ("ivs-realtime.ListStages", "/ListStages", 50),
    ):
        operation = next(one for one in OPERATIONS if one.key == key)
        match = operation.matches("POST", path)
        assert match is not None
        assert operation.read(match, {}, b"")["maxResults"] == size
        assert operation.read(match, {}, b'{"maxResults":7}')["maxResults"] == 7


def test_every_error_has_its_documented_status() -> None:
    for operation in OPERATIONS:
        for code, status in operation.errors.items():
            assert 400 <= status < 600, (operation.key, code)
    stream = next(one for one in OPERATIONS if one.key == "ivs.GetStream")
    assert stream.errors["ChannelNotBroadcasting"] == 404
