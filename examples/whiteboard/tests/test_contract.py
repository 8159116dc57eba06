"""Whiteboard keeps the contract of modules, and takes no strokes that are none."""

from __future__ import annotations

import msgspec
import pytest
from ksmp_whiteboard.messages import Stroke

from gateway import registry
from gateway.app import Gateway


def test_it_is_installed_and_keeps_the_contract() -> None:
    modules = registry.load(("accounts", "files", "programs", "live", "whiteboard"))
    assert modules[-1].name == "whiteboard"
    assert {"whiteboard.draw", "whiteboard.clear"} <= set(Gateway.described(modules).declarations.commands)
    assert modules[-1].migrations is not None
    assert list(modules[-1].migrations.glob("*.sql"))


@pytest.mark.parametrize(
    "bad", [b'{"points":[]}', b'{"points":[[1,-1]]}', b'{"points":[[1,10000]]}', b'{"points":[[1,1]],"colour":"red"}']
)
def test_no_stroke(bad: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(bad, type=Stroke)
