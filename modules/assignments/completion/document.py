"""What the PDF of a certificate shows, and the PDF."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from gateway.documents.qr_code import qr_svg
from gateway.documents.typst_renderer import rendered_pdf
from modules.assignments.completion.labels import LABELS, Language, day

TEMPLATE: Final = Path(__file__).parent / "certificate.typ"


class CertificateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `certificate.typ`. `facts` are pairs of a label and a text."""

    language: Language
    title: str
    certifies: str
    name: str
    completed: str
    program: str
    after: str
    facts: tuple[tuple[str, str], ...]
    # Empty without an address to verify at.
    verify: str
    address: str
    qr: str


def certificate_pdf(
    *, code: str, name: str, program: str, issued_at: datetime, zone: str, address: str, language: Language
) -> bytes:
    """The PDF of a certificate: the same bytes each time. `code` is as it is printed, and `address` where it
    is verified. It blocks."""
    labels = LABELS[language]
    issued = day(issued_at.astimezone(ZoneInfo(zone)).date(), language)
    document = CertificateDocument(
        language=language,
        title=labels.title,
        certifies=labels.certifies,
        name=name,
        completed=labels.completed,
        program=program,
        after=labels.after,
        facts=((labels.issued, issued), (labels.code, code)),
        verify=labels.verify if address else "",
        address=address,
        qr=qr_svg(address) if address else "",
    )
    return rendered_pdf(TEMPLATE, document, issued_at)
