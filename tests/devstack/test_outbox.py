"""/dev/outbox shows what was sent: a list, each mail light and dark, and nothing of a mail runs."""

from __future__ import annotations

import base64
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from devstack import mail
from ksmp_testkit import MakeGateway
from ksmp_testkit.settings import MakeSettings
from tests.devcloud.aws import Aws

HTML = """<html><head><style>@media (prefers-color-scheme: dark) { p { color: white } }</style></head>
<body><p>नमस्ते</p><script>alert(1)</script></body></html>"""


@pytest.fixture(scope="module")
async def outbox(gateway: MakeGateway, devcloud: str) -> AsyncIterator[httpx.AsyncClient]:
    modules = ("accounts",)
    async with (
        gateway(modules=modules, aws_endpoint=devcloud) as running,
        httpx.AsyncClient(base_url=running.url) as client,
    ):
        yield client


async def sent(devcloud: str, subject: str) -> str:
    body = base64.b64encode(HTML.encode()).decode()
    head = f"From: K <k@example.com>\r\nTo: a@example.com\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
    kind = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
    aws = Aws(devcloud)
    await aws.open()
    try:
        ses = await aws.client("sesv2")
        answer = await ses.send_email(Content={"Raw": {"Data": f"{head}{kind}\r\n{body}\r\n".encode()}})
    finally:
        await aws.close()
    return str(answer["MessageId"])


async def test_mails_are_listed_and_shown(outbox: httpx.AsyncClient, devcloud: str) -> None:
    subject = f"<i>{uuid.uuid4().hex}"
    id = await sent(devcloud, subject)
    page = await outbox.get("/dev/outbox")
    assert page.headers["content-type"].startswith("text/html")
    assert f'<a href="/dev/outbox/{id}">&lt;i&gt;{subject[3:]}</a>' in page.text
    shown = (await outbox.get(f"/dev/outbox/{id}")).text
    assert f'src="/dev/outbox/{id}/dark"' in shown
    assert "<i>" not in shown
    dark, light = [await outbox.get(f"/dev/outbox/{id}/{scheme}") for scheme in ("dark", "light")]
    assert "@media all { p" in dark.text
    assert "@media not all { p" in light.text
    assert "नमस्ते" in dark.text
    policy = dark.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")


async def test_what_is_not_there(outbox: httpx.AsyncClient) -> None:
    for path in ("none", "..%2Ffaults", "none/dark", "none/pink"):
        assert (await outbox.get(f"/dev/outbox/{path}")).status_code in {400, 404}, path


def test_gateways_send_mail_where_there_is_a_stand_in_and_the_module(settings: MakeSettings) -> None:
    cloud, origin = "http://127.0.0.1:1", "http://localhost:8000"
    on = settings(modules=("accounts", "notify"))
    assert mail.variables(cloud, settings(modules=("accounts",)), origin) == {}
    assert mail.variables("", on, origin) == {}
    assert mail.variables(cloud, on, origin)["KSMP_NOTIFY_APP_URL"] == origin
