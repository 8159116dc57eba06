"""The page behind the link of a mail: asks first, and says then what was done. No script; data is never markup."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

PAGE: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>{text}</p>
{form}</body></html>
"""
FORM: Final = """<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button>{button}</button></form>
"""
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}

# A text in English → in a language.
Translate = Callable[[str], str]
ASK: Final = "Stop mails of this kind?"
ASK_TEXT: Final = "You will get no more mails of this kind. The app tells you as before. Receipts are always sent."
STOP: Final = "Stop these mails"
DONE: Final = "You get no more mails of this kind"
DONE_TEXT: Final = "You can turn them on again in your settings."
TEXTS: Final = (ASK, ASK_TEXT, STOP, DONE, DONE_TEXT)


def asking(language: str, translate: Translate) -> str:
    form = FORM.format(button=escape(translate(STOP)))
    return _page(language, translate(ASK), translate(ASK_TEXT), form)


def done(language: str, translate: Translate) -> str:
    return _page(language, translate(DONE), translate(DONE_TEXT), "")


def _page(language: str, title: str, text: str, form: str) -> str:
    return PAGE.format(language=escape(language), title=escape(title), text=escape(text), form=form)
