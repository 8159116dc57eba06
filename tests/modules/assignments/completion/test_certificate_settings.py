"""Settings of certificates: where they are verified, and the zone of their date."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from litestar.testing import RequestFactory

from gateway.settings import SettingsError
from modules.assignments.completion.document import certificate_pdf
from modules.assignments.completion.routes import VerificationAddress
from modules.assignments.module import AssignmentsModule
from modules.assignments.settings import AssignmentsSettings
from tests.documents.reading import text_of


def said(*, production: bool = True, **settings: Any) -> str:
    return AssignmentsModule.examine(AssignmentsSettings(**settings), production=production)


def test_the_doctor_says_where_certificates_are_verified() -> None:
    assert "KSMP_ASSIGNMENTS_CERTIFICATE_URL is not set" in said()
    assert "host of the request" in said(production=False)
    assert "https://school.example/verify" in said(certificate_url="https://school.example/verify")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd"])
def test_a_zone_that_there_is_not_stops_the_start(zone: str) -> None:
    with pytest.raises(SettingsError, match="KSMP_ASSIGNMENTS_CERTIFICATE_ZONE"):
        said(certificate_zone=zone)


@pytest.mark.parametrize(
    ("url", "in_development", "address"),
    [
        ("https://school.example/verify", False, "https://school.example/verify/"),
        ("https://school.example/verify/", True, "https://school.example/verify/"),
        ("https://school.example/?code=", False, "https://school.example/?code="),
        # A caller chooses the host of a request.
        ("", False, ""),
        ("", True, "http://evil.example/api/v1/certificates/"),
    ],
)
def test_the_address_is_the_setting_and_in_development_the_host_of_the_request(
    url: str, in_development: bool, address: str
) -> None:
    request = RequestFactory(server="evil.example", port=80).get("/")
    assert VerificationAddress(url, in_development).of(request) == address


async def test_the_date_is_that_of_the_zone() -> None:
    issued = datetime.fromisoformat("2026-07-01T20:00:00Z")
    for zone, day in (("UTC", "1 July 2026"), ("Asia/Kolkata", "2 July 2026")):
        pdf = await asyncio.to_thread(
            lambda zone=zone: certificate_pdf(
                code="C", name="N", program="P", issued_at=issued, zone=zone, address="", language="en"
            )
        )
        assert day in text_of(pdf)
