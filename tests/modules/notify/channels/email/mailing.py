"""A module whose kinds go by e-mail, users with addresses, and the mailbox of the stand-in for SES."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import asyncpg
import httpx
import msgspec

from gateway.contract import Kernel, Module
from ksmp_testkit import Running, eventually
from modules.notify.facade import EMAIL, Kind, Money, Notice, tell

ENVIRON = {
    "KSMP_NOTIFY_SYSTEM_CHANNELS": "email",
    "KSMP_NOTIFY_MAIL_FROM": "KSMP कक्षा <no-reply@mail.example.com>",
    "KSMP_NOTIFY_MAIL_REPLY_TO": "help@example.com",
    "KSMP_NOTIFY_APP_URL": "https://app.example.com/",
    "KSMP_NOTIFY_PUBLIC_URL": "https://api.example.com",
    "KSMP_NOTIFY_MAIL_CONFIGURATION_SET": "ksmp",
    "KSMP_NOTIFY_MAIL_QUEUE": "ksmp-ses-events",
    "KSMP_NOTIFY_MAIL_RATE": "1000",
    "KSMP_NOTIFY_MAIL_AT_ONCE": "8",
    "KSMP_NOTIFY_MAIL_TIMEOUT": "2.0",
    "KSMP_NOTIFY_MAIL_UNKNOWN_WAIT": "3600.0",
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "devcloud", "AWS_SECRET_ACCESS_KEY": "devcloud"}
KNOWN = """
    INSERT INTO account_user (id, name, role, email, email_verified, email_at, locale)
    VALUES ($1, 'Asha', 'student', $2, $3, now(), $4)
"""


class Words(msgspec.Struct, frozen=True):
    what: str = "it"
    price: Money = Money(12_34_567_50, "INR")


class MailersModule(Module):
    """Two kinds of one category, one of another, and a receipt."""

    name = "mailers"
    requires = ("notify",)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.contributions = (
            Kind(name="mailers.news", data=Words, title="News of %(what)s", link="/n/%(what)s", channels=(EMAIL,)),
            Kind(name="mailers.due", data=Words, title="Due: %(what)s", body="Soon.\nVery.", channels=(EMAIL,)),
            Kind(name="mailers.hint", data=Words, title="%(what)s?", category="hints", channels=(EMAIL,)),
            Kind(name="mailers.paid", data=Words, title="%(what)s", body="%(price)s", receipt=True, channels=(EMAIL,)),
        )


class Mailing:
    """What the tests of e-mail do."""

    def __init__(self, node: Running, database: asyncpg.Pool, http: httpx.AsyncClient) -> None:
        self._node = node
        self._database = database
        self._http = http

    async def user(self, email: str | None = "", *, verified: bool = True, locale: str | None = None) -> str:
        """A user with an address of their own, another one, or (None) without."""
        user = f"m-{uuid.uuid4().hex[:16]}"
        address = f"{user}@example.com" if email == "" else email
        await self._database.execute(KNOWN, user, address, verified and address is not None, locale)
        return user

    async def tell(self, kind: str, *users: str, what: str = "it") -> str:
        """The subject."""
        subject = uuid.uuid4().hex
        async with self._node.gateway.database.transaction():
            await tell(self._node.module(MailersModule).kernel, Notice(kind, subject, Words(what), users=users))
        return subject

    async def states(self, subject: str) -> list[str]:
        rows = await self._database.fetch(
            """
            SELECT state || ' ' || reason AS said FROM notify_delivery
            WHERE notice_id IN (SELECT id FROM notify_notice WHERE subject = $1) ORDER BY 1
            """,
            subject,
        )
        return [row["said"].strip() for row in rows]

    async def comes_to(self, subject: str, *states: str) -> None:
        async def so() -> bool:
            return await self.states(subject) == sorted(states)

        await eventually(so, f"{subject} comes to {states}")

    async def mails(self, to: str) -> list[dict[str, Any]]:
        """Those to a user or an address, the newest first."""
        address = to if "@" in to else f"{to}@example.com"
        answer = await self._http.get("/_devcloud/ses/mails", params={"to": address})
        mails: list[dict[str, Any]] = answer.json()["mails"]
        return mails

    async def one(self, to: str) -> dict[str, Any]:
        async def come() -> bool:
            return bool(await self.mails(to))

        await eventually(come, f"a mail to {to}")
        (mail,) = await self.mails(to)
        return mail

    async def becomes(self, address: str, fate: str) -> None:
        answer = await self._http.put("/_devcloud/ses/recipients", json={"address": address, "becomes": fate})
        assert answer.status_code == 200, answer.text

    async def fault(self, **fault: Any) -> None:
        """Of the next calls of SES; none without arguments."""
        operations = {"ses.SendEmail": fault} if fault else {}
        assert (await self._http.put("/_devcloud/faults", json={"operations": operations})).status_code == 200

    async def stopped(self, user: str) -> list[tuple[str, str]]:
        rows = await self._database.fetch(
            "SELECT scope, reason FROM notify_suppression WHERE user_id = $1 ORDER BY scope", user
        )
        return [(row["scope"], row["reason"]) for row in rows]

    async def quiet(self) -> None:
        """Wait a little: what is not to happen has its chance."""
        await asyncio.sleep(0.5)


def headers(mail: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in mail["headers"]}
