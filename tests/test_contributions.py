"""What modules contribute reaches the sibling that asks for its kind."""

from __future__ import annotations

from typing import Any

from gateway import registry
from gateway.app import Gateway
from gateway.contract import Module
from tests.test_registry import broken, module


class Colour:
    def __init__(self, name: str) -> None:
        self.name = name


def test_contributions_of_modules_and_features_reach_who_asks_for_their_kind() -> None:
    class Painter:
        contributions = (Colour("red"),)

    first = module("first", contributions=(Colour("green"), "no colour"), features=(Painter(),))
    second = module("second", contributions=(Colour("blue"),))
    gateway = Gateway.described(registry.ordered([first, second]))
    for built in gateway.modules:
        assert [colour.name for colour in built.kernel.contributed(Colour)] == ["green", "red", "blue"]
    assert gateway.modules[0].kernel.contributed(bytes) == []


def test_contributions_are_not_read_while_modules_are_built() -> None:
    def build(self: Module, kernel: Any) -> None:
        Module.__init__(self, kernel)
        kernel.contributed(Colour)

    assert "ask in `lifespan` or later" in broken(module("hasty", __init__=build))


def test_contributions_are_a_sequence() -> None:
    assert "contributions" in broken(module("odd", contributions=Colour("red")))
