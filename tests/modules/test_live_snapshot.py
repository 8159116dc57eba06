"""A snapshot is the room's state at a position, in parts that any module may add."""

from __future__ import annotations

import msgspec

from gateway.module import Context, Module, SnapshotPart
from tests.conftest import MakeGateway, MakeToken
from tests.wire import connected


class Doors(msgspec.Struct):
    role: str


class Caller(Module):
    """Says something in the room while its part is read, as anyone might."""

    name = "caller"
    requires = ("live",)

    def __init__(self) -> None:
        self.snapshots = (
            SnapshotPart(name="caller.session", rooms="session", read=self._read),
            SnapshotPart(name="caller.staff", rooms="staff", read=self._read),
        )

    async def _read(self, context: Context) -> Doors:
        await context.publish("caller.read", Doors(context.role))
        return Doors(context.role)


async def test_a_snapshot_has_the_parts_of_all_modules_and_a_position_before_them(
    gateway: MakeGateway, token: MakeToken, room: str
) -> None:
    staff = room.replace("session:", "staff:")
    async with (
        gateway(more=[Caller()]) as node,
        connected(node.ws_url, token("ada")) as ada,
        connected(node.ws_url, token("mentor", "mentor")) as mentor,
    ):
        joined = await ada.join(room)
        for _ in range(2):
            before = ada.positions[room]
            snapshot = await ada.call("live.snapshot", room=room)
            # What came while it was read is after its position: it will be applied once more.
            called = await ada.expect_push("caller.read", room)
            assert before <= snapshot["seq"] < called["seq"]
            assert (snapshot["room"], snapshot["epoch"]) == (room, joined["epoch"])
            assert snapshot["parts"]["caller.session"] == {"role": "viewer"}
            assert "caller.staff" not in snapshot["parts"]
        await mentor.join(staff)
        snapshot = await mentor.call("live.staff_snapshot", room=staff)
        assert snapshot["parts"]["caller.staff"] == {"role": "host"}
        assert snapshot["room"] == staff
