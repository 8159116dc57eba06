"""Mails in a running gateway: what they are like, to whom they go, and what becomes of them when SES fails."""

from __future__ import annotations

import re
import uuid

import asyncpg
import pytest

from ksmp_testkit import Clients, Running, eventually
from ksmp_testkit.answers import done
from modules.notify.channels.email.channel import EmailChannel
from modules.notify.facade import Channel
from tests.modules.notify.channels.email.mailing import Mailing, headers


async def test_a_mail_has_text_and_html_in_the_readers_language(mailing: Mailing) -> None:
    user = await mailing.user(locale="hi-IN")
    subject = await mailing.tell("mailers.news", user, what="बीजगणित")
    mail = await mailing.one(user)
    assert mail["subject"] == "News of बीजगणित"
    assert mail["from"] == "KSMP कक्षा <no-reply@mail.example.com>"
    link = "https://app.example.com/n/%E0%A4%AC%E0%A5%80%E0%A4%9C%E0%A4%97%E0%A4%A3%E0%A4%BF%E0%A4%A4"
    assert f"खोलें: {link}" in mail["text"]
    assert f'href="{link}"' in mail["html"]
    assert '<html lang="hi"' in mail["html"]
    assert "prefers-color-scheme: dark" in mail["html"]
    # Styles are in the elements too, for programs that drop the head.
    assert re.search(r'<h1 style="[^"]*color: ?#111827', mail["html"])
    head = headers(mail)
    assert head["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert head["list-unsubscribe"].startswith("<https://api.example.com/api/v1/notify/unsubscribe/")
    assert (head["content-language"], head["auto-submitted"]) == ("hi", "auto-generated")
    assert head["reply-to"] == "help@example.com"
    await mailing.comes_to(subject, "delivered")


async def test_an_admin_sees_a_campaign_as_a_mail_and_whom_it_would_reach(mailing: Mailing, clients: Clients) -> None:
    admin, url = clients.rest("boss", "admin"), "/api/v1/notify/campaigns"
    body = {"title": "Rain <today>", "body": "No class.", "link": "/help", "urgent": True}
    preview = done(await admin.post(f"{url}/preview", json={**body, "audience": "role:admin"}), 200)
    (shown,) = preview["channels"]
    assert shown["channel"] == "email"
    assert "Rain &lt;today&gt;" in shown["page"]
    assert 'href="https://app.example.com/help"' in shown["page"]
    # Whoever looks at it turns nothing off.
    assert "/unsubscribe/" not in shown["page"]
    for user, verdict, reason in (
        (await mailing.user(), "send", ""),
        (await mailing.user(verified=False), "skip", "no_address"),
    ):
        expected = done(await admin.post(f"{url}/dry-run", json={**body, "audience": f"user:{user}"}), 200)
        assert expected["channels"] == [{"channel": "email", "verdict": verdict, "reason": reason, "count": 1}]


async def test_mail_goes_to_verified_addresses_alone(mailing: Mailing) -> None:
    without, unverified = await mailing.user(None), await mailing.user(verified=False)
    subject = await mailing.tell("mailers.news", without, unverified, "nobody-known")
    await mailing.comes_to(subject, *["skipped no_address"] * 3)
    assert not await mailing.mails(unverified)


async def test_what_is_in_a_text_is_neither_markup_nor_a_header(mailing: Mailing) -> None:
    user = await mailing.user()
    await mailing.tell("mailers.news", user, what="<b>x</b>\r\nBcc: all@example.com")
    mail = await mailing.one(user)
    assert mail["subject"] == "News of <b>x</b> Bcc: all@example.com"
    assert "bcc" not in headers(mail)
    assert "<b>" not in mail["html"]
    assert "&lt;b&gt;x&lt;/b&gt;" in mail["html"]


async def test_a_bounce_stops_all_mail_to_the_address_and_no_other(mailing: Mailing, database: asyncpg.Pool) -> None:
    user = await mailing.user(f"bounce+{uuid.uuid4().hex[:8]}@simulator.amazonses.com")
    await mailing.comes_to(await mailing.tell("mailers.news", user), "failed bounced")
    assert await mailing.stopped(user) == [("", "bounced")]
    for kind in ("mailers.news", "mailers.paid"):
        await mailing.comes_to(await mailing.tell(kind, user), "skipped suppressed")
    # An address that is new is not the old one's heir.
    await database.execute("UPDATE account_user SET email = $2 WHERE id = $1", user, f"{user}@example.com")
    await mailing.comes_to(await mailing.tell("mailers.news", user), "delivered")


async def test_a_mailbox_that_is_full_today_gets_mail_tomorrow(mailing: Mailing) -> None:
    user = await mailing.user()
    await mailing.becomes(f"{user}@example.com", "transient")
    await mailing.comes_to(await mailing.tell("mailers.news", user), "failed bounced")
    assert await mailing.stopped(user) == []


async def test_a_complaint_stops_its_category_and_no_receipt(mailing: Mailing) -> None:
    # Field fault 10 of notify: a suppression without a scope blocked receipts.
    user = await mailing.user(f"complaint+{uuid.uuid4().hex[:8]}@simulator.amazonses.com")
    await mailing.comes_to(await mailing.tell("mailers.news", user), "delivered complained")
    assert await mailing.stopped(user) == [("mailers", "complained")]
    await mailing.comes_to(await mailing.tell("mailers.due", user), "skipped suppressed")
    # Neither another category nor the receipt of its own.
    await mailing.comes_to(await mailing.tell("mailers.hint", user), "delivered complained")
    await mailing.comes_to(await mailing.tell("mailers.paid", user), "delivered complained")
    # Now they complained of the receipt as well: that kind alone stops.
    await mailing.comes_to(await mailing.tell("mailers.paid", user), "skipped suppressed")
    assert await mailing.stopped(user) == [
        ("hints", "complained"),
        ("mailers", "complained"),
        ("mailers.paid", "complained"),
    ]


async def test_a_receipt_has_no_link_that_stops_it(mailing: Mailing) -> None:
    user = await mailing.user()
    await mailing.tell("mailers.paid", user)
    mail = await mailing.one(user)
    assert "list-unsubscribe" not in headers(mail)
    assert "unsubscribe" not in mail["html"]
    assert "₹12,34,567.50" in mail["text"]


@pytest.mark.parametrize("error", ["TooManyRequestsException", "InternalServerException", "SendingPausedException"])
async def test_what_ses_does_not_take_now_is_sent_later(mailing: Mailing, database: asyncpg.Pool, error: str) -> None:
    user = await mailing.user()
    await mailing.fault(error=error, times=1)
    subject = await mailing.tell("mailers.news", user)
    reason = {"TooManyRequestsException": "throttled", "InternalServerException": "server_error"}
    await mailing.comes_to(subject, f"waiting {reason.get(error, 'misconfigured')}")
    # The pause that it asked for is over.
    await database.execute("DELETE FROM notify_limit WHERE name = 'ses'")
    await database.execute("UPDATE notify_delivery SET due_at = now() WHERE state = 'waiting' AND user_id = $1", user)
    await mailing.comes_to(subject, "delivered")
    assert len(await mailing.mails(user)) == 1


async def test_a_mail_that_ses_rejects_has_failed(mailing: Mailing) -> None:
    user = await mailing.user()
    await mailing.fault(error="MessageRejected", times=1)
    await mailing.comes_to(await mailing.tell("mailers.news", user), "failed rejected")


@pytest.mark.parametrize("fault", [{"hang": 4.0, "when": "after"}, {"error": "cut", "when": "after"}])
async def test_a_mail_without_an_answer_is_not_sent_twice(
    node: Running, mailing: Mailing, database: asyncpg.Pool, fault: dict[str, object]
) -> None:
    user = await mailing.user()
    await mailing.becomes(f"{user}@example.com", "lost")
    await mailing.fault(**fault, times=1)
    subject = await mailing.tell("mailers.news", user)
    await mailing.comes_to(subject, "unknown no_answer")
    # It is looked at again and again, and not sent.
    for _ in range(2):
        await database.execute("UPDATE notify_delivery SET due_at = now() WHERE user_id = $1", user)

        async def looked_at() -> bool:
            row = await database.fetchrow(
                "SELECT state, due_at > now() AS later FROM notify_delivery WHERE user_id = $1", user
            )
            assert row is not None
            return row["state"] == "unknown" and row["later"]

        await eventually(looked_at, "it waits again")
    assert len(await mailing.mails(user)) == 1
    # SES tells nothing of it for so long that it never had it.
    await database.execute("UPDATE notify_mail SET begun_at = begun_at - interval '2 hours'")
    await database.execute("UPDATE notify_delivery SET due_at = now() WHERE user_id = $1", user)
    await mailing.comes_to(subject, "sent")
    ids = [headers(mail)["message-id"] for mail in await mailing.mails(user)]
    assert len(ids) == 2
    assert len({*ids}) == 1


async def test_what_ses_tells_ends_the_doubt(mailing: Mailing) -> None:
    user = await mailing.user()
    await mailing.fault(error="cut", when="after", times=1)
    await mailing.comes_to(await mailing.tell("mailers.news", user), "delivered")
    assert len(await mailing.mails(user)) == 1


async def test_who_can_be_reached(node: Running, mailing: Mailing) -> None:
    (channel,) = [
        one
        for one in node.gateway.modules[0].kernel.contributed(Channel)
        if isinstance(one, EmailChannel)  # type: ignore[type-abstract]
    ]
    users = [await mailing.user(), await mailing.user(None), await mailing.user(verified=False)]
    assert await channel.reaches(users) == users[:1]


async def test_admins_see_suppressions_and_lift_them(mailing: Mailing, clients: Clients) -> None:
    user = await mailing.user(f"bounce+{uuid.uuid4().hex[:8]}@simulator.amazonses.com")
    await mailing.comes_to(await mailing.tell("mailers.news", user), "failed bounced")
    admin, student = clients.rest("boss", "admin"), clients.rest("sam")
    path = "/api/v1/notify/suppressions"
    (found,) = (await admin.get(path, params={"user": user})).json()["items"]
    assert (found["scope"], found["reason"], found["detail"]) == ("", "bounced", "Permanent General 5.1.1")
    assert (await admin.get(path, params={"address": found["address"].upper()})).json()["items"] == [found]
    assert (await student.get(path)).status_code == 403
    assert (await student.delete(f"{path}/{found['id']}")).status_code == 403
    assert (await admin.delete(f"{path}/{found['id']}")).status_code == 204
    assert (await admin.delete(f"{path}/{found['id']}")).status_code == 404
    (act,) = (await admin.get("/api/v1/audit", params={"act": "notify.lift_suppression", "subject": user})).json()[
        "items"
    ]
    assert act["details"] == {"scope": "", "reason": "bounced"}
    assert await mailing.stopped(user) == []
