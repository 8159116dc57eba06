"""What a client makes of a session's snapshot and the pushes after it, written from live's page alone."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from ksmp_testkit import MakeToken, Running
from ksmp_testkit.socket_client import Message, WireClient, WireError, connected

MENTOR = "mentor"
YES_NO = {"question": "Clear so far?", "options": ["yes", "no"]}


class Replica:
    """The state of a session's room, or of its staff room, as one user knows it."""

    def __init__(self, snapshot: Message) -> None:
        self.room: str = snapshot["room"]
        self.seq: int = snapshot["seq"]
        self.parts: Message = copy.deepcopy(snapshot["parts"])
        # What one asked and upvoted, whether the question is there or not.
        self._mine = {which: set(ids) for which, ids in self.parts.get("live.my_questions", {}).items()}

    def apply(self, push: Message) -> None:
        if push.get("room") == self.room and push.get("seq", 0) > self.seq:
            self.seq = push["seq"]
            if push["push"] == "live.poll" and _untold(push["data"]["poll"]):
                self.parts["live.my_votes"]["votes"].pop(push["data"]["poll"]["id"], None)
            self._apply(push["push"], push["data"])
        elif push.get("room", "").startswith("user:"):
            self._apply_own(push["push"], push["data"])
        if self._mine:
            there = {question["id"] for question in self.parts["live.questions"]["questions"]}
            self.parts["live.my_questions"] = {which: sorted(ids & there) for which, ids in self._mine.items()}

    def _apply(self, name: str, data: Message) -> None:
        match name:
            case "live.hand" if self._newer("live.hands", data):
                self._replace("live.hands", "hands", data["hand"], _by_user, gone=data["hand"]["state"] == "lowered")
            case "live.hands_lowered" if self._newer("live.hands", data):
                up = [hand for hand in self.parts["live.hands"]["hands"] if hand["state"] != "raised"]
                self.parts["live.hands"]["hands"] = up
            case "live.question" if self._newer("live.questions", data):
                gone = data["question"]["state"] == "dismissed"
                self._replace("live.questions", "questions", data["question"], _by_id, gone=gone)
            case "live.question_votes" if self._newer("live.questions", data):
                self._update("live.questions", "questions", data["questions"])
            case "live.poll" if self._newer("live.polls", data):
                self._replace("live.polls", "polls", data["poll"], _by_id)
            case "live.poll_tally" if self._newer("live.polls", data):
                self._update("live.polls", "polls", data["polls"])
            case "live.staff_poll" if self._newer("live.staff_polls", data):
                self._replace("live.staff_polls", "polls", data["poll"], _by_id)
            case "live.staff_tally" if self._newer("live.staff_polls", data):
                self._update("live.staff_polls", "polls", data["polls"])
            case "live.asker" if data["author"] is None:
                self.parts["live.askers"]["askers"].pop(data["question"], None)
            case "live.asker":
                self.parts["live.askers"]["askers"][data["question"]] = data["author"]
            case "live.ban_changed" if self._newer("live.bans", data):
                self._replace("live.bans", "bans", data["ban"], _by_scope, gone=not data["force"])
            case "live.guests_changed" if self._newer("live.guests", data):
                for guest in data["guests"]:
                    self._replace("live.guests", "guests", guest, _by_user, gone=guest["state"] != "waiting")
            case "live.away_changed" if self._newer("live.away", data):
                if "user" in data:
                    self._replace("live.away", "users", data["user"], _by_id, gone=not data["away"])
                else:
                    self.parts["live.away"]["users"] = []
            case "live.session" if data["rev"] > self.parts["live.session"]["rev"]:
                self.parts["live.session"] = data
            case "live.options" if data["rev"] > self.parts["live.options"]["rev"]:
                self.parts["live.options"] = data

    def _apply_own(self, name: str, data: Message) -> None:
        if f"session:{data.get('session')}" != self.room:
            return
        match name:
            case "live.my_question":
                self._mine["asked"].add(data["question"])
            case "live.upvoted":
                self._mine["upvoted"].add(data["question"])
            case "live.voted" if not any(
                one["id"] == data["poll"] and _untold(one) for one in self.parts["live.polls"]["polls"]
            ):
                self.parts["live.my_votes"]["votes"][data["poll"]] = data.get("options", [])

    def _newer(self, part: str, data: Message) -> bool:
        """Whether a push is not in the part yet; then the part is as new as the push."""
        if data["rev"] <= self.parts[part]["rev"]:
            return False
        self.parts[part]["rev"] = data["rev"]
        return True

    def _replace(
        self, part: str, items: str, item: Message, key: Callable[[Message], str], *, gone: bool = False
    ) -> None:
        others = [one for one in self.parts[part][items] if key(one) != key(item)]
        self.parts[part][items] = sorted([*others, *([] if gone else [item])], key=ORDER[items])

    def _update(self, part: str, items: str, changes: list[Message]) -> None:
        by_id = {change["id"]: change for change in changes}
        updated = [{**one, **by_id.get(one["id"], {})} for one in self.parts[part][items]]
        self.parts[part][items] = sorted(updated, key=ORDER[items])


def _untold(poll: Message) -> bool:
    """Of an anonymous poll that is closed nobody knows who voted."""
    return poll.get("anonymous", False) and poll["state"] == "closed"


def _by_user(item: Message) -> str:
    return str(item["user"]["id"])


def _by_scope(item: Message) -> str:
    return f"{item['user']} {item['scope']}"


def _by_id(item: Message) -> str:
    return str(item["id"])


ORDER: dict[str, Callable[[Message], Any]] = {
    "bans": _by_scope,
    "guests": lambda one: (one["knocked_at"], one["user"]["id"]),
    "users": _by_id,
    "hands": lambda one: (one["raised_at"], one["user"]["id"]),
    "questions": lambda one: (-one["votes"], one["asked_at"], one["id"]),
    "polls": lambda one: (one["opened_at"], one["id"]),
}


def staff(room: str) -> str:
    return room.replace("session:", "staff:")


def lobby(room: str) -> str:
    return room.replace("session:", "lobby:")


async def enter(clients: Iterable[WireClient], room: str) -> None:
    for client in clients:
        await client.join(room)


async def refused(client: WireClient, room: str) -> str:
    """The code with which the user may not join the room; empty when they may."""
    try:
        await client.join(room)
    except WireError as error:
        return error.code
    await client.call("leave", room=room)
    return ""


def datas(client: WireClient, push: str, room: str) -> list[Message]:
    """The data of each push of this name that the client has got."""
    return [one["data"] for one in client.pushes(push, room)]


async def snapshot(client: WireClient, room: str) -> Message:
    cmd = "live.snapshot" if room.startswith("session:") else "live.staff_snapshot"
    return await client.call(cmd, room=room)


async def do(client: WireClient, room: str, cmd: str, *, nonce: str | None = None, **data: Any) -> Message:
    return await client.command(room, cmd, data, nonce=nonce)


async def refusal(client: WireClient, room: str, cmd: str, **data: Any) -> str:
    """The code of the error a command is answered."""
    return await client.refusal(room, cmd, data)


@contextlib.asynccontextmanager
async def people(node: Running, token: MakeToken, *users: str) -> AsyncIterator[list[WireClient]]:
    """A connection of each user; `mentor` teaches."""
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                connected(node.ws_url, token(user, "mentor" if user == MENTOR else "student"))
            )
            for user in users
        ]
