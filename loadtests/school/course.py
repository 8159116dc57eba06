"""A paid program and its students: they order, pay or do not, learn, hand in, and get grades."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from loadtests.checkouts.shop import Shop
from loadtests.patient import good
from loadtests.school.books import CourseBook

LESSONS: Final = 4
POINTS: Final = 20
# Of those who paid and stayed, by their number.
REFUNDED, REFUNDED_IN_PART = 3, 2
PART: Final = 12_345
# Seconds until the second assignment is due.
DUE: Final = 12.0


class Course:
    """`tokens` are of the students, by their ids."""

    def __init__(self, shop: Shop, tokens: dict[str, str], places: int, at_once: int = 10) -> None:
        self.book = CourseBook()
        self._shop = shop
        self.tokens = tokens
        self._places = places
        self._gate = asyncio.Semaphore(at_once)
        self._due = 0.0
        self._orders: dict[str, str] = {}

    async def open(self) -> None:
        """The mentor makes the program, its lessons and two assignments. The second is due in a moment."""
        book, shop = self.book, self._shop
        await shop.open(1, 3)
        book.program = shop.programs[0]
        book.price = int((await self._mentor("GET", f"/programs/{book.program}"))["price"])
        unit = (await self._mentor("POST", f"/programs/{book.program}/units", {"title": "Numbers"}))["id"]
        for number in range(LESSONS):
            path = f"/programs/{book.program}/units/{unit}/lessons"
            book.lessons.append((await self._mentor("POST", path, {"title": f"Lesson {number}"}))["id"])

    async def buy(self) -> None:
        """All order. Of those who are more than the places, half try and fail, and half never try."""
        await self._each(list(self.tokens), self._buy)
        buyers = sorted(self.book.paid)
        for user in buyers[:REFUNDED]:
            await self._refund(user, None)
        for user in buyers[REFUNDED : REFUNDED + REFUNDED_IN_PART]:
            await self._refund(user, PART)

    async def learn(self) -> None:
        """Each learner completes up to all lessons; most hand in, some late, a few take it back; some are graded."""
        await self._assign()
        learners = sorted(self.book.learners)
        await self._each(learners, self._complete_lessons)
        first, second = self.book.assignments
        receipts: dict[str, Any] = {}

        async def hand_in(user: str) -> None:
            number = learners.index(user)
            if number % 6 != 5:
                receipts[user] = await self._turn_in(first, user, "on_time")
            if number % 3 == 0:
                await self._turn_in(second, user, "on_time")

        await self._each(learners, hand_in)
        if time.time() >= self._due:
            raise RuntimeError("the machine was too slow: the second assignment was due before all had handed in")
        await asyncio.sleep(self._due - time.time() + 1.5)
        await self._each(learners[1::3], lambda user: self._turn_in(second, user, "late"))
        taken_back = [user for user in learners if user in receipts][-2:]
        for user in taken_back:
            await self._ask(user, "POST", f"/assignments/{first}/submission/reclaim")
            del self.book.turned_in[first, user]
        await self._grade(first, {user: one for user, one in receipts.items() if user not in taken_back})

    @property
    def learners(self) -> dict[str, str]:
        """The tokens of those who have a place."""
        return {user: self.tokens[user] for user in sorted(self.book.learners)}

    async def _buy(self, user: str) -> None:
        book, shop = self.book, self._shop
        number = list(self.tokens).index(user)
        more = len(self.tokens) - self._places
        terms = {"program_id": book.program, "coupon": "", "place_of_supply": "29"}
        made = await self._ask(user, "POST", "/payments/orders", key=f"order-{user}", json=terms)
        book.ordered.append(user)
        vendor_order = made["vendor_order_id"]
        if number < more // 2:
            return
        book.attempted.add(user)
        if number < more:
            await shop.pay(order_id=vendor_order, outcome="failure")
            book.failed_attempts += 1
            return
        outcome = "failure_then_success" if number % 7 == 0 else "success"
        book.failed_attempts += outcome != "success"
        paid = await shop.pay(order_id=vendor_order, outcome=outcome)
        handed = {name: paid[name] for name in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}
        await self._ask(user, "POST", "/payments/verify", json=handed)
        book.paid.add(user)
        self._orders[user] = made["order"]["id"]
        for _ in range(100):
            answer = await shop.ask("GET", f"/programs/{book.program}/enrolment", self.tokens[user])
            if answer.status_code == 200 and answer.json()["state"] == "enrolled":
                return
            await asyncio.sleep(0.2)
        raise RuntimeError(f"{user} has paid and is not enrolled")

    async def _refund(self, user: str, amount: int | None) -> None:
        refund: dict[str, Any] = {"reason": "Played"}
        if amount is not None:
            refund |= {"amount": amount, "keep_place": True}
        order = self._orders[user]
        path = f"/payments/orders/{order}/refunds"
        answer = await self._shop.ask(
            "POST", path, self._shop.running.tokens["admin"], key=f"back-{order}", json=refund
        )
        good(answer, path)
        self.book.refunded[user] = self.book.price if amount is None else amount
        if amount is None:
            self.book.left.add(user)

    async def _assign(self) -> None:
        due = datetime.now(UTC) + timedelta(seconds=DUE + len(self.book.learners) * 0.3)
        due = due.replace(microsecond=0)
        self._due = due.timestamp()
        for title, at in (("Proof", due + timedelta(hours=2)), ("Essay", due)):
            terms = {
                "program_id": self.book.program,
                "title": title,
                "points": str(POINTS),
                "accepts": ["text"],
                "due": {"at": at.replace(tzinfo=None).isoformat(), "zone": "UTC"},
                "release": "together",
            }
            made = await self._mentor("POST", "/assignments", terms)
            await self._mentor("POST", f"/assignments/{made['id']}/publish", match=f'"{made["rev"]}"')
            self.book.assignments.append(made["id"])

    async def _complete_lessons(self, user: str) -> None:
        number = sorted(self.book.learners).index(user) % (LESSONS + 1)
        for lesson in self.book.lessons[:number]:
            path = f"/programs/{self.book.program}/lessons/{lesson}/progress"
            await self._ask(user, "PUT", path, json={"state": "completed"})
        self.book.lessons_done[user] = number

    async def _turn_in(self, assignment: str, user: str, state: str) -> Any:
        path = f"/assignments/{assignment}/submission"
        draft = await self._ask(user, "PUT", f"{path}/draft", json={"draft_rev": 0, "text": f"By {user}", "files": []})
        receipt = await self._ask(user, "POST", f"{path}/turn-in", json={"draft_rev": draft["rev"]})
        self.book.turned_in[assignment, user] = state
        self.book.handed_in.add(user)
        self.book.graded[assignment, user] = time.time()
        return receipt

    async def _grade(self, assignment: str, receipts: dict[str, Any]) -> None:
        graded = sorted(receipts)[: len(receipts) * 2 // 3]
        for number, user in enumerate(graded):
            receipt, points = receipts[user], POINTS - number % 9
            path = f"/assignments/{assignment}/submissions/{receipt['submission_id']}/grade"
            grade = {"attempt_id": receipt["attempt_id"], "state": "final", "points": str(points)}
            await self._mentor("PUT", path, grade, match="*")
            self.book.points[assignment, user] = points / POINTS
        await self._mentor("POST", f"/assignments/{assignment}/release", {"submission_ids": None})
        now = time.time()
        turned = self.book.graded
        self.book.graded = {(assignment, user): now - turned[assignment, user] for user in graded}

    async def _each(self, users: list[str], do: Any) -> None:
        async def one(user: str) -> None:
            async with self._gate:
                await do(user)

        await asyncio.gather(*(one(user) for user in users))

    async def _ask(self, user: str, method: str, path: str, **options: Any) -> Any:
        return good(await self._shop.ask(method, path, self.tokens[user], **options), f"{method} {path}")

    async def _mentor(self, method: str, path: str, json: Any = None, match: str = "") -> Any:
        token = self._shop.running.tokens["mentor"]
        return good(await self._shop.ask(method, path, token, match=match, json=json), f"{method} {path}")
