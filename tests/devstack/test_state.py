"""`dev.json`: replaced whole, private, and readable back."""

from __future__ import annotations

import json
from pathlib import Path

from devstack import state
from devstack.state import Pids, State

EXAMPLE = State(
    gateways=["http://127.0.0.1:8000"],
    session="s1",
    room="session:s1",
    tokens={"mentor": "m", "student": "s", "admin": "a"},
    database_url="postgresql://ksmp:pw@127.0.0.1:1/ksmp",
    nats_url="nats://127.0.0.1:2,nats://127.0.0.1:3",
    metrics=["http://127.0.0.1:8000/metrics"],
    pids=Pids(dev=1, gateways=[2], nats=[3, 4], postgres=5, devcloud=6),
    aws_endpoint="http://127.0.0.1:4",
    razorpay_url="http://127.0.0.1:4/razorpay",
    paid_program="p1",
    coupon="WELCOME",
    module_paths=("/srv/quizzes",),
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    EXAMPLE.write(path)
    assert state.read(path) == EXAMPLE
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["dev.json"]


def test_the_names_are_the_documented_ones(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    EXAMPLE.write(path)
    document = json.loads(path.read_text())
    names = ["gateways", "session", "room", "tokens", "database_url", "nats_url", "metrics", "pids", "aws_endpoint"]
    assert list(document) == [*names, "scanner", "razorpay_url", "paid_program", "coupon", "module_paths"]
    assert document["pids"] == {"dev": 1, "gateways": [2], "nats": [3, 4], "postgres": 5, "devcloud": 6}
