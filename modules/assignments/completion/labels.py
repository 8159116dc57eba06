"""The words of a certificate and of its verification page, in English and Hindi."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import msgspec

Language = Literal["en", "hi"]


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """`certifies` stands above the name, `completed` between name and program, `after` below the program."""

    title: str
    certifies: str
    completed: str
    after: str
    issued: str
    code: str
    verify: str
    months: tuple[str, ...]


LABELS: Final[dict[Language, Labels]] = {
    "en": Labels(
        title="Certificate of completion",
        certifies="This is to certify that",
        completed="has completed the program",
        after="",
        issued="Issued on",
        code="Code",
        verify="Scan or visit to verify:",
        months=(
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
    ),
    "hi": Labels(
        title="पूर्णता प्रमाणपत्र",
        certifies="प्रमाणित किया जाता है कि",
        completed="ने कार्यक्रम",
        after="पूरा कर लिया है।",
        issued="जारी करने की तिथि",
        code="कोड",
        verify="सत्यापन के लिए स्कैन करें या यहाँ जाएँ:",
        months=(
            "जनवरी",
            "फ़रवरी",
            "मार्च",
            "अप्रैल",
            "मई",
            "जून",
            "जुलाई",
            "अगस्त",
            "सितंबर",
            "अक्तूबर",
            "नवंबर",
            "दिसंबर",
        ),
    ),
}


def day(value: date, language: Language) -> str:
    """Such as 1 July 2026."""
    return f"{value.day} {LABELS[language].months[value.month - 1]} {value.year}"
