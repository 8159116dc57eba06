"""/dev/outbox: the mails that the gateways sent to the stand-in for SES, as their readers see them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from html import escape
from typing import Any, Final, Literal

import httpx
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.auth.policy import anyone
from gateway.errors import Unavailable, not_found

MAILS: Final = "/_devcloud/ses/mails"
TIMEOUT: Final = 5.0
SHOWN: Final = 100

# No script anywhere. What is in a mail can do nothing: it is in a frame of its own, which is a sandbox.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'"
MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; frame-ancestors 'self'; sandbox"
)
# A browser shows one of the two at a time; here both are shown, side by side.
SCHEMES: Final[Mapping[str, str]] = {"dark": "@media all", "light": "@media not all"}
DARK: Final = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">{refresh}<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 24px; }}
table {{ border-collapse: collapse; }} td, th {{ text-align: start; padding: 4px 12px 4px 0; vertical-align: top; }}
.two {{ display: flex; gap: 16px; flex-wrap: wrap; }} iframe {{ width: 660px; height: 560px; border: 1px solid gray; }}
pre {{ white-space: pre-wrap; border: 1px solid gray; padding: 12px; max-width: 1300px; }}
</style></head>
<body>
<h1>{title}</h1>
{body}</body></html>
"""
REFRESH: Final = '<meta http-equiv="refresh" content="5">'


def routes(stand_in: str) -> list[HTTPRouteHandler]:
    """`stand_in` is the address of the stand-in for AWS; empty where there is none."""

    @get("/dev/outbox", policy=anyone(limited=False), include_in_schema=False, media_type="text/html")
    async def outbox() -> Response[str]:
        mails = (await _ask(stand_in, MAILS, limit=str(SHOWN)))["mails"]
        rows = "".join(
            f"<tr><td>{_time(mail['at'])}</td><td>{escape(', '.join(mail['to']))}</td>"
            f'<td><a href="/dev/outbox/{escape(mail["id"])}">{escape(mail["subject"]) or "-"}</a></td></tr>\n'
            for mail in mails
        )
        table = f"<table><tr><th>UTC<th>to<th>subject</tr>\n{rows}</table>\n" if rows else "<p>No mail yet.</p>\n"
        return _page("Outbox", table, refresh=True)

    @get("/dev/outbox/{id:str}", policy=anyone(limited=False), include_in_schema=False, media_type="text/html")
    async def mail(id: FromPath[str]) -> Response[str]:
        found = await _ask(stand_in, f"{MAILS}/{_id(id)}")
        heads = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in found["headers"]
        )
        frames = "".join(
            f'<figure><figcaption>{scheme}</figcaption><iframe title="{scheme}" sandbox '
            f'src="/dev/outbox/{escape(found["id"])}/{scheme}"></iframe></figure>\n'
            for scheme in ("light", "dark")
        )
        body = (
            f'<p><a href="/dev/outbox">All mails</a></p>\n<div class="two">{frames}</div>\n'
            f"<h2>Text</h2>\n<pre>{escape(found['text'])}</pre>\n<h2>Headers</h2>\n<table>{heads}</table>\n"
        )
        return _page(found["subject"], body)

    @get("/dev/outbox/{id:str}/{scheme:str}", policy=anyone(limited=False), include_in_schema=False)
    async def body(id: FromPath[str], scheme: FromPath[Literal["light", "dark"]]) -> Response[str]:
        html = (await _ask(stand_in, f"{MAILS}/{_id(id)}"))["html"]
        colours = f"<style>:root {{ color-scheme: {scheme} !important; }}</style></head>"
        html = DARK.sub(SCHEMES[scheme], html).replace("</head>", colours, 1)
        return Response(html, media_type="text/html", headers=_headers(MAIL_POLICY))

    return [outbox, mail, body]


async def _ask(stand_in: str, path: str, **query: str) -> dict[str, Any]:
    """What the stand-in answers. Raises BadInput `not_found` and Unavailable."""
    if not stand_in:
        raise not_found("this gateway has no stand-in for AWS, so its mails are not here")
    try:
        # In a thread, with one client: a client reads certificates when it is made.
        answer = await asyncio.to_thread(lambda: _client().get(stand_in + path, params=query))
    except httpx.HTTPError as error:
        raise Unavailable(f"the stand-in for AWS does not answer: {error}") from error
    if answer.status_code != 200:
        raise not_found("there is no such mail")
    found: dict[str, Any] = answer.json()
    return found


@cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT, trust_env=False)


def _id(id: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9-]{1,100}", id) is None:
        raise not_found("there is no such mail")
    return id


def _time(at: str) -> str:
    return f"{datetime.fromisoformat(at):%d %b %H:%M:%S}"


def _page(title: str, body: str, *, refresh: bool = False) -> Response[str]:
    page = PAGE.format(title=escape(title), body=body, refresh=REFRESH if refresh else "")
    return Response(page, media_type="text/html", headers=_headers(POLICY))


def _headers(policy: str) -> dict[str, str]:
    headers = {"content-security-policy": policy, "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return headers | {"x-frame-options": "SAMEORIGIN"}
