"""The links of mails: opening one changes nothing, posting to it stops a category, and nobody makes one up."""

from __future__ import annotations

import asyncpg
import httpx

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from tests.modules.notify.channels.email.mailing import Mailing, headers


async def link_of(mailing: Mailing, node: Running, user: str) -> str:
    """The link of the user's only mail, at the gateway of the test."""
    found = headers(await mailing.one(user))["list-unsubscribe"].strip("<>")
    return found.replace("https://api.example.com", node.url)


async def test_a_scanner_that_opens_the_link_unsubscribes_nobody(node: Running, mailing: Mailing) -> None:
    # Field fault 9 of notify: link scanners' GETs unsubscribed people.
    user = await mailing.user(locale="hi")
    await mailing.comes_to(await mailing.tell("mailers.news", user), "delivered")
    link = await link_of(mailing, node, user)
    async with httpx.AsyncClient() as scanner:
        for method in ("HEAD", "GET", "GET"):
            answer = await scanner.request(method, link)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/html")
        assert "इस तरह के मेल बंद करें?" in answer.text
        assert 'method="post"' in answer.text
    await mailing.comes_to(await mailing.tell("mailers.due", user), "delivered")


async def test_the_button_of_a_mail_program_stops_the_category(node: Running, mailing: Mailing, caller: Caller) -> None:
    user, other = await mailing.user(), await mailing.user()
    # What was chosen for a kind counts for more than the category, but not for more than the button.
    chosen = {"choices": [{"name": "mailers.due", "channel": "email", "wanted": True}]}
    done(await caller(user).patch("/api/v1/notify/preferences", json=chosen, headers={"If-Match": "*"}))
    await mailing.comes_to(await mailing.tell("mailers.news", user), "delivered")
    link = await link_of(mailing, node, user)
    async with httpx.AsyncClient() as program:
        # RFC 8058: a form, without cookies, without a token; done again it is no error.
        for form in ({"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}):
            answer = await program.post(link, **form)  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.text
            assert "You get no more mails of this kind" in answer.text
    subject = await mailing.tell("mailers.due", user, other)
    await mailing.comes_to(subject, "delivered", "skipped preference")
    await mailing.comes_to(await mailing.tell("mailers.hint", user), "delivered")
    await mailing.comes_to(await mailing.tell("mailers.paid", user), "delivered")


async def test_nobody_makes_up_a_link(node: Running, mailing: Mailing, database: asyncpg.Pool) -> None:
    user = await mailing.user()
    await mailing.tell("mailers.news", user)
    link = await link_of(mailing, node, user)
    stem, _, token = link.rpartition("/")
    async with httpx.AsyncClient() as client:
        for wrong in (
            token[:-1],
            token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
            "x",
            "%C3%A9",
            token + "AAAA",
        ):
            for method in ("GET", "POST"):
                answer = await client.request(method, f"{stem}/{wrong}")
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), wrong
