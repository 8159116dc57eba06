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
# Seconds by which uploads that were begun in time may hold a student up.
SLOW: Final = 20.0
# A client tries the bucket so often.
TRIES: Final = 40


class TurnedIn(msgspec.Struct):
    """What a student was answered, and when they first asked; times by the clock of this machine."""

    user: str
    kind: str
    asked_at: float
    receipt: dict[str, Any]
    hashes: list[str]
    late: bool


class Student:
    def __init__(self, work: Work, user: str, token: str, kind: str, counts: Counter[str]) -> None:
        self._work = work
        self._user = user
        self._token = token
        self._kind = kind
        self._counts = counts
        drawn = work.random
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
        await self._ask("POST", f"/files/{upload['file']['id']}/complete")

    async def _save(self, rev: int, files: list[str]) -> int:
        body = {"draft_rev": rev, "text": f"The work of {self._user}", "files": files}
        path = f"/assignments/{self._work.assignment}/submission/draft"
        draft = await self._ask("PUT", path, json=body)
        return int(draft["rev"])

    async def turn_in(self, draft_rev: int) -> TurnedIn:
        path = f"/assignments/{self._work.assignment}/submission/turn-in"
        asked_at, begun = time.time(), time.perf_counter()
        receipt = await self._ask("POST", path, key=f"{self._user}-turn-in", json={"draft_rev": draft_rev})
        self._counts["turn-ins over a second"] += time.perf_counter() - begun > 1.0
        due = self._work.due.timestamp()
        hashes = [hashlib.sha256(page).hexdigest() for page in self._pages]
        # What was uploaded in time is not late for the moment that the rest takes.
        late = self._kind == "too late" or asked_at > due + SLOW
        return TurnedIn(self._user, self._kind, asked_at, receipt, hashes, late)

    async def _ask(self, method: str, path: str, *, key: str = "", match: str = "", json: Any = None) -> Any:
        answer = await self._work.client.ask(method, path, self._token, key=key, match=match, json=json)
        if answer.is_error:
            raise RuntimeError(f"{method} {path} was answered {answer.status_code}: {answer.text[:400]}")
        return answer.json()


def stamp_of(receipt: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(receipt["turned_in_at"])
