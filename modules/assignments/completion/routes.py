"""The routes of completion: rules, standings, certificates, and the page that verifies one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from litestar import MediaType, Request, Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import anyone, roles, signed_in
from gateway.contract import Rate
from gateway.errors import BadInput, Code
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.assignments.completion.certificates import Certificates
from modules.assignments.completion.labels import Language
from modules.assignments.completion.messages import (
    CertificateView,
    NewCertificate,
    NewRule,
    Revocation,
    Standing,
    Verification,
)
from modules.assignments.completion.page import page
from modules.assignments.completion.requirements import CompletionRule
from modules.assignments.completion.rules import CompletionRules
from modules.assignments.settings import CertificateSettings

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
CertificateCode = Annotated[str, PathParameter(pattern="^[A-Za-z0-9 -]{1,64}$")]
Program = Annotated[str, QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Of this program")]
OneProgram = Annotated[
    str | None,
    QueryParameter(pattern="^[A-Za-z0-9_-]{1,64}$", description="Those of a program that you teach, not your own"),
]
Format = Annotated[
    Literal["html", "json"] | None, QueryParameter(name="format", description="What it is written as; so says `Accept`")
]
TEACHERS: Final = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program")
PARTICIPANTS: Final = signed_in(owner="they take part in the program")
HOLDERS: Final = signed_in(owner="it is theirs, or they teach the program")
PDF: Final = "application/pdf"
PATH: Final = "/api/v1/certificates/"
# Codes are not guessed, and nobody collects names.
VERIFYING: Final = Rate(count=30, seconds=60.0)
DRAWING: Final = Rate(count=30, seconds=60.0)
# A page of them reads all grades of the program.
OFTEN: Final = Rate(count=60, seconds=60.0)


class VerificationAddress:
    """Where certificates are verified. In production it is never the host of the request, which a caller chooses."""

    def __init__(self, url: str, in_development: bool) -> None:
        self._url = url
        self._in_development = in_development

    def of(self, request: Request[Any, Any, Any]) -> str:
        """What codes follow; empty when it is not known."""
        if self._url:
            return self._url if self._url.endswith(("/", "=")) else f"{self._url}/"
        return f"{str(request.base_url).rstrip('/')}{PATH}" if self._in_development else ""


@dataclass
class PdfOperation(Operation):
    """An operation whose answer is bytes."""

    def __post_init__(self) -> None:
        response: Any = (self.responses or {})["200"]
        response.content[PDF].schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)


@dataclass
class VerificationOperation(Operation):
    """An operation that also answers a page."""

    def __post_init__(self) -> None:
        for status in ("200", "404"):
            response: Any = (self.responses or {})[status]
            response.content[MediaType.HTML.value] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


@get("/completion-rule", policy=PARTICIPANTS, missing=True)
async def read_rule(
    program: Program, principal: NamedDependency[Principal], rules: NamedDependency[CompletionRules]
) -> Response[CompletionRule]:
    """What is needed for the certificate of a program."""
    return tagged(await rules.read(principal, program))


@put("/completion-rule", policy=TEACHERS, missing=True)
async def write_rule(
    program: Program,
    data: JSONBody[NewRule],
    principal: NamedDependency[Principal],
    rules: NamedDependency[CompletionRules],
    if_match: NamedDependency[IfMatch],
) -> Response[CompletionRule]:
    """Say what is needed for the certificate. Whoever has it all already gets one; nobody loses one."""
    return tagged(await rules.write(principal, program, data, if_match))


@get("/completion/own", policy=PARTICIPANTS, missing=True)
async def own_standing(
    program: Program, principal: NamedDependency[Principal], certificates: NamedDependency[Certificates]
) -> Standing:
    """How far you are on the way to the certificate of a program."""
    return await certificates.standing(principal, program)


@get("/completion", policy=TEACHERS, rate=OFTEN, missing=True)
async def list_standings(
    program: Program,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    certificates: NamedDependency[Certificates],
) -> Page[Standing]:
    """How far each student of a program is, by user id."""
    return await certificates.all_standings(principal, program, span)


@post("/completion/evaluate", policy=TEACHERS, status_code=202, rate=OFTEN, missing=True)
async def evaluate(
    program: Program, principal: NamedDependency[Principal], certificates: NamedDependency[Certificates]
) -> None:
    """Look at all students of a program, and issue what they have earned. It happens by itself too."""
    await certificates.evaluate(principal, program)


@get("/certificates", policy=signed_in(), missing=True)
async def list_certificates(
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    certificates: NamedDependency[Certificates],
    program: OneProgram = None,
) -> Page[CertificateView]:
    """Your certificates, or those of a program that you teach; newest first."""
    if program is None:
        return await certificates.own(principal, span)
    return await certificates.of_program(principal, program, span)


@post("/certificates", policy=TEACHERS, status_code=200, conflict=True, missing=True)
async def issue_certificate(
    data: JSONBody[NewCertificate], principal: NamedDependency[Principal], certificates: NamedDependency[Certificates]
) -> Response[CertificateView]:
    """Issue a certificate to a student who has met the rules, also after one was revoked; or read the valid one."""
    return tagged(await certificates.issue(principal, data))


@get("/certificates/{id:str}", policy=HOLDERS)
async def read_certificate(
    id: Id, principal: NamedDependency[Principal], certificates: NamedDependency[Certificates]
) -> Response[CertificateView]:
    """A certificate."""
    return tagged(await certificates.read(principal, id))


@get("/certificates/{id:str}/pdf", policy=HOLDERS, media_type=PDF, operation_class=PdfOperation, rate=DRAWING)
async def certificate_pdf(
    id: Id,
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    certificates: NamedDependency[Certificates],
    address: NamedDependency[VerificationAddress],
    lang: Annotated[Language, QueryParameter(description="Its language: English or Hindi")] = "en",
) -> Response[bytes]:
    """The PDF of a valid certificate, with a QR code that leads to its verification."""
    body = await certificates.pdf(principal, id, address.of(request), lang)
    headers = {"Content-Disposition": f'attachment; filename="certificate-{lang}.pdf"'}
    return Response(body, media_type=PDF, headers=headers)


@post("/certificates/{id:str}/revoke", policy=TEACHERS, status_code=200, conflict=True)
async def revoke_certificate(
    id: Id,
    data: JSONBody[Revocation],
    principal: NamedDependency[Principal],
    certificates: NamedDependency[Certificates],
) -> Response[CertificateView]:
    """Revoke a certificate. Its verification says so from now on, and its holder reads why."""
    return tagged(await certificates.revoke(principal, id, data))


@get("/{code:str}", policy=anyone(), rate=VERIFYING, operation_class=VerificationOperation)
async def verify_certificate(
    code: CertificateCode,
    request: Request[Any, Any, Any],
    certificates: NamedDependency[Certificates],
    zone: NamedDependency[str],
    wanted: Format = None,
) -> Response[Verification] | Response[str]:
    """Whether a certificate is valid: a page, or JSON for who accepts that. It names no ids."""
    asked = wanted or ("json" if _accepts_json(request) else "html")
    headers = {"Vary": "Accept", "X-Robots-Tag": "noindex"}
    if asked == "json":
        return Response(await certificates.verify(code), headers=headers)
    try:
        return Response(page(await certificates.verify(code), zone), media_type=MediaType.HTML, headers=headers)
    except BadInput as error:
        if error.code != Code.NOT_FOUND:
            raise
        return Response(page(None, zone), status_code=404, media_type=MediaType.HTML, headers=headers)


def _accepts_json(request: Request[Any, Any, Any]) -> bool:
    return request.accept.best_match(["text/html", "application/json"]) == "application/json"


def routers(
    certificates: Certificates, rules: CompletionRules, settings: CertificateSettings, *, in_development: bool
) -> tuple[Router, ...]:
    address = VerificationAddress(settings.certificate_url, in_development)
    return (
        Router(
            "/assignments",
            route_handlers=[
                read_rule,
                write_rule,
                own_standing,
                list_standings,
                evaluate,
                list_certificates,
                issue_certificate,
                read_certificate,
                certificate_pdf,
                revoke_certificate,
            ],
            dependencies=services(certificates=certificates, rules=rules, address=address),
        ),
        Router(
            "/certificates",
            route_handlers=[verify_certificate],
            dependencies=services(certificates=certificates, zone=settings.certificate_zone),
        ),
    )
