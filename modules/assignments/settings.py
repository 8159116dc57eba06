"""The settings of assignments, `KSMP_ASSIGNMENTS_*`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.settings import SettingsError, setting


@dataclass(frozen=True, kw_only=True)
class CatalogueSettings:
    """How much there may be of what mentors write."""

    per_program: int = setting(300, doc="Assignments that a program may have")
    instructions: int = setting(20_000, doc="Characters that the instructions of an assignment may have")
    file_bytes: int = setting(100 * 1024**2, doc="Most bytes of one file that an assignment may take")
    files_most: int = setting(20, doc="Most files of one submission that an assignment may take")
    questions: int = setting(100, doc="Questions that an assignment may have")
    materials: int = setting(20, doc="Files that an assignment may have attached")
    group_sets: int = setting(50, doc="Group sets that a program may have")
    groups: int = setting(500, doc="Groups that a group set may have")
    due_soon: tuple[str, ...] = setting(
        ("86400", "3600"), doc="Seconds before an assignment is due at which who has not turned in is reminded"
    )

    @property
    def leads(self) -> tuple[timedelta, ...]:
        """How long before it is due. Raises SettingsError for what is no time of at most a year."""
        try:
            leads = tuple(timedelta(seconds=float(one)) for one in self.due_soon)
        except (ValueError, OverflowError):
            leads = (timedelta(-1),)
        if not all(timedelta() < lead <= timedelta(days=366) for lead in leads):
            raise SettingsError("KSMP_ASSIGNMENTS_DUE_SOON must be numbers of seconds, of at most a year each")
        return leads


@dataclass(frozen=True, kw_only=True)
class SubmissionSettings:
    """What is taken of students, and how lateness by our fault is prevented."""

    upload_grace: float = setting(
        600.0, zero=True, doc="How long before its turn-in a work may count as handed in, because its upload took long"
    )
    after_upload: float = setting(
        60.0, zero=True, doc="How soon after its last upload a work must be turned in to count from its beginning"
    )
    turn_in_grace: float = setting(
        900.0,
        zero=True,
        doc="How long a turn-in that failed by our fault may be tried again with the stamp of its first try",
    )
    draft_text: int = setting(50_000, doc="Characters that the text of a submission may have")


@dataclass(frozen=True, kw_only=True)
class GradingSettings:
    """What markers may write."""

    criteria: int = setting(50, doc="Criteria that a rubric may have")
    comments: int = setting(500, doc="Comments that the bank of a program may have")
    marking_seconds: float = setting(
        900.0, doc="How long the next submission to mark is one marker's, while there are others for the rest"
    )
    regrades: int = setting(3, doc="Times that a regrade of one attempt may be asked for")


@dataclass(frozen=True, kw_only=True)
class GradeBookSettings:
    """The grade book, and what may be seen of others' grades."""

    categories: int = setting(50, doc="Categories that the grade book of a program may have")
    gradebook_rows: int = setting(20_000, doc="Most students in a grade book as a file")
    gradebooks_at_once: int = setting(2, doc="Grade books that a gateway writes to files at the same time")
    statistics_least: int = setting(5, doc="From how many released grades on students see how they are spread")


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Archives of submissions."""

    archives_at_once: int = setting(4, doc="Archives of submissions that a gateway sends at the same time")
    archive_submissions: int = setting(5_000, doc="Most submissions in an archive")


@dataclass(frozen=True, kw_only=True)
class CertificateSettings:
    """Certificates and where they are verified."""

    certificate_url: str = setting(
        "",
        doc="Where a certificate is verified; its code follows, as in `https://host/api/v1/certificates/`. Empty means "
        "the host of the request in development, and else that certificates have a code and no address",
        https=True,
    )
    certificate_zone: str = setting("Asia/Kolkata", doc="The time zone of the date on a certificate")

    def examine_certificates(self, *, production: bool) -> str:
        """Where certificates are verified, in words. Raises SettingsError for a time zone that there is not."""
        try:
            ZoneInfo(self.certificate_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(
                f"KSMP_ASSIGNMENTS_CERTIFICATE_ZONE is {self.certificate_zone!r}, which is no time zone."
            ) from None
        if self.certificate_url:
            return f"certificates are verified at {self.certificate_url}"
        if production:
            return "certificates have a code and no address: KSMP_ASSIGNMENTS_CERTIFICATE_URL is not set"
        return "certificates are verified at the host of the request"


@dataclass(frozen=True, kw_only=True)
class AssignmentsSettings(
    CatalogueSettings,
    SubmissionSettings,
    GradingSettings,
    GradeBookSettings,
    ExportSettings,
    CertificateSettings,
):
    """All settings of assignments."""
