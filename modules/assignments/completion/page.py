"""The page that verifies a certificate, in English and Hindi. No script; data is never markup."""

from __future__ import annotations

from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from modules.assignments.completion.labels import Language, day
from modules.assignments.completion.messages import CertificateState, Verification

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>{title}</title></head>
<body>
{body}</body></html>
"""
PART: Final = '<section lang="{language}"><h1>{title}</h1>\n{lines}</section>\n'
LANGUAGES: Final[tuple[Language, ...]] = ("en", "hi")
TITLES: Final[dict[CertificateState | None, dict[Language, str]]] = {
    CertificateState.VALID: {"en": "This certificate is valid", "hi": "यह प्रमाणपत्र मान्य है"},
    CertificateState.REVOKED: {"en": "This certificate was revoked", "hi": "यह प्रमाणपत्र रद्द कर दिया गया है"},
    CertificateState.ERASED: {
        "en": "The holder of this certificate was deleted",
        "hi": "इस प्रमाणपत्र के धारक का खाता हटा दिया गया है",
    },
    None: {"en": "There is no certificate with this code", "hi": "इस कोड का कोई प्रमाणपत्र नहीं है"},
}
NAME: Final[dict[Language, str]] = {"en": "Name", "hi": "नाम"}
PROGRAM: Final[dict[Language, str]] = {"en": "Program", "hi": "कार्यक्रम"}
ISSUED: Final[dict[Language, str]] = {"en": "Issued on", "hi": "जारी करने की तिथि"}
REVOKED: Final[dict[Language, str]] = {"en": "Revoked on", "hi": "रद्द करने की तिथि"}


def page(found: Verification | None, zone: str) -> str:
    """Days are those of the zone. None: there is no such certificate."""
    body = "".join(_part(found, zone, language) for language in LANGUAGES)
    return PAGE.format(title=escape(TITLES[None if found is None else found.state]["en"]), body=body)


def _part(found: Verification | None, zone: str, language: Language) -> str:
    title = TITLES[None if found is None else found.state][language]
    facts: list[tuple[str, str]] = []
    if found is not None:
        if found.name is not None:
            facts.append((NAME[language], found.name))
        facts.append((PROGRAM[language], found.program_title))
        facts.append((ISSUED[language], day(found.issued_at.astimezone(ZoneInfo(zone)).date(), language)))
        if found.revoked_at is not None:
            facts.append((REVOKED[language], day(found.revoked_at.astimezone(ZoneInfo(zone)).date(), language)))
    lines = "".join(f"<p>{escape(label)}: <b><bdi>{escape(text)}</bdi></b></p>\n" for label, text in facts)
    return PART.format(language=language, title=escape(title), lines=lines)
