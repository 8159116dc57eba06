"""One student: uploads, saves the draft, and turns it in at a moment of their own."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from datetime import datetime
from typing import Any, Final

import httpx
import msgspec

from loadtests.deadline.work import Work
from loadtests.patient import good

# How many in a hundred do what. `begins` is when they begin and `turns_in` when they turn in, in seconds before the
# deadline; the moment is drawn between the two. Negative is after it.
KINDS: Final = {
    "in time": 60,
    "uploads at the last moment": 20,
    "text alone": 10,
    "upload begun in time": 5,
    "too late": 5,
}
UPLOADS: Final = {
    "in time": (25.0, 12.0),
    "uploads at the last moment": (10.0, 1.5),
    "upload begun in time": (3.0, 0.5),
}
TURNS_IN: Final = {
    "in time": (10.0, 0.3),
    "text alone": (10.0, 0.3),
    # What was begun is finished after the deadline.
    "upload begun in time": (-0.5, -3.0),
    "too late": (-4.0, -6.0),
}
# When the text is saved, as an app does while it is written.
WRITTEN: Final = 27.0
# A client tries the bucket so often.
TRIES: Final = 40


class Times(msgspec.Struct):
    """What a student knows of the moments, by the clock of this machine; the gateways' is the same.

    A moment of ours lies between two that the student knows: when they asked, and when they were answered.
    """

    # The text was saved, and every upload begun, by then.
    fixed: float = 0.0
    # The last upload was complete after the first of these, and before the second.
    completing: float = 0.0
    completed: float = 0.0
    # The first try to turn in: when it was asked for, and when a gateway's first answer to a try was here.
    asked: float = 0.0
    heard: float = float("inf")
    # The receipt was here.
    done: float = 0.0

    def late(self, due: float, grace: float) -> bool | None:
        """Whether it is late; None when what the student knows does not say. `grace` is that after an upload."""
        if self.heard <= due:
            return False
        if self.completed and self.fixed <= due and self.done - self.completing <= grace:
            return False
        if self.asked > due and (not self.completed or self.asked - self.completed > grace):
            return True
        return None


class TurnedIn(msgspec.Struct):
    """What a student was answered."""

    user: str
    kind: str
    times: Times
    receipt: dict[str, Any]
    hashes: list[str]


class Student:
    def __init__(self, work: Work, user: str, token: str, kind: str, counts: Counter[str]) -> None:
        self._work = work
        self._user = user
        self._token = token
        self._kind = kind
        self._counts = counts
        drawn = work.random
        self._times = Times()
        self._uploads = drawn.uniform(*UPLOADS.get(kind, (25.0, 12.0)))
        self._turns_in = drawn.uniform(*TURNS_IN[kind]) if kind in TURNS_IN else None
        count = 0 if kind == "text alone" else drawn.choice((1, 1, 2))
        self._pages = [b"%PDF-1.7\n" + drawn.randbytes(drawn.randrange(2_000, 40_000)) for _ in range(count)]

    async def work(self) -> TurnedIn:
        """Raises RuntimeError for an answer that no client should get."""
        await self._work.until(WRITTEN)
        rev = await self._save(0, [])
        await self._work.until(self._uploads)
        draft = await self._add_pages(rev)
        if self._turns_in is not None:
            await self._work.until(self._turns_in)
        return await self.turn_in(draft)

    async def prepare(self) -> int:
        """Save the draft with all pages; its revision."""
        return await self._add_pages(await self._save(0, []))

    async def _add_pages(self, rev: int) -> int:
        begun = [await self._begin(number, page) for number, page in enumerate(self._pages)]
        self._times.fixed = time.time()
        if self._kind == "upload begun in time":
            await self._work.until(-0.2)
        for page, upload in zip(self._pages, begun, strict=True):
            await self._upload(page, upload)
        return await self._save(rev, [upload["file"]["id"] for upload in begun]) if begun else rev

    async def _begin(self, number: int, page: bytes) -> dict[str, Any]:
        terms = {
            "purpose": "assignments.submission",
            "target": self._work.assignment,
            "name": f"page {number}.pdf",
            "type": "application/pdf",
            "size": len(page),
            "sha256": hashlib.sha256(page).hexdigest(),
        }
        made: dict[str, Any] = await self._ask("POST", "/files", key=f"{self._user}-{number}", json=terms)
        return made

    async def _upload(self, page: bytes, upload: dict[str, Any]) -> None:
        form = upload["upload"]
        for attempt in range(TRIES):
            try:
                answer = await self._work.http.post(form["url"], data=form["fields"], files={"file": page})
                if answer.is_success:
                    break
            except httpx.TransportError:
                pass
            self._counts["uploads repeated"] += 1
            await asyncio.sleep(min(0.1 * 2**attempt, 0.5))
        else:
            raise RuntimeError("the bucket takes nothing")
        self._times.completing = time.time()
        await self._ask("POST", f"/files/{upload['file']['id']}/complete")
        self._times.completed = time.time()

    async def _save(self, rev: int, files: list[str]) -> int:
        body = {"draft_rev": rev, "text": f"The work of {self._user}", "files": files}
        path = f"/assignments/{self._work.assignment}/submission/draft"
        draft = await self._ask("PUT", path, json=body)
        return int(draft["rev"])

    async def turn_in(self, draft_rev: int) -> TurnedIn:
        path = f"/assignments/{self._work.assignment}/submission/turn-in"
        times, body = self._times, {"draft_rev": draft_rev}
        times.asked = time.time()
        answer = await self._work.client.ask("POST", path, self._token, json=body, heard=self._heard)
        times.done = time.time()
        self._counts["turn-ins over a second"] += times.done - times.asked > 1.0
        hashes = [hashlib.sha256(page).hexdigest() for page in self._pages]
        return TurnedIn(self._user, self._kind, times, good(answer, path), hashes)

    def _heard(self, answer: httpx.Response) -> None:
        """A try was stamped when it is answered, or when it failed where a turn-in fails."""
        if answer.is_success or answer.json().get("detail", "").startswith("not turned in yet"):
            self._times.heard = min(self._times.heard, time.time())

    async def _ask(self, method: str, path: str, *, key: str = "", match: str = "", json: Any = None) -> Any:
        answer = await self._work.client.ask(method, path, self._token, key=key, match=match, json=json)
        return good(answer, f"{method} {path}")


def stamp_of(receipt: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(receipt["turned_in_at"])
