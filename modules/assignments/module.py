"""What the assignments module consists of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from litestar import Router

from gateway import time_zones
from gateway.contract import Kernel, Module
from gateway.principal import Principal
from modules.assignments import demo, errors
from modules.assignments.access import AssignmentAccess
from modules.assignments.catalogue.feature import CatalogueFeature
from modules.assignments.catalogue.tables import AssignmentRow
from modules.assignments.completion.feature import CompletionFeature
from modules.assignments.completion.tables import CertificateRow
from modules.assignments.dates.wall_time import load_zones
from modules.assignments.events import EVENTS
from modules.assignments.exports.feature import ExportFeature
from modules.assignments.facts import FACTS
from modules.assignments.gradebook.feature import GradeBookFeature
from modules.assignments.grading.feature import GradingFeature
from modules.assignments.notices import AssignmentNotices
from modules.assignments.peer_review.feature import PeerReviewFeature
from modules.assignments.peer_review.tables import PeerReviewRow
from modules.assignments.public_events import PUBLIC
from modules.assignments.settings import AssignmentsSettings
from modules.assignments.submissions.feature import SubmissionsFeature


class Package(Protocol):
    """A package of the module, put together."""

    @property
    def features(self) -> Sequence[object]: ...

    @property
    def routes(self) -> Sequence[Router]: ...


class PersonalData(Protocol):
    """What a package holds on a user."""

    async def export(self, user: str) -> Mapping[str, Any]: ...

    async def forget(self, user: str) -> object: ...


class AssignmentsModule(Module):
    """Assignments: set, handed in, graded, counted, up to the certificate."""

    name = "assignments"
    requires = ("accounts", "files", "programs", "live")
    settings_type = AssignmentsSettings
    emits = EVENTS
    tables = (AssignmentRow, CertificateRow, PeerReviewRow)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    @classmethod
    def examine(cls, settings: AssignmentsSettings, *, production: bool) -> str:
        return settings.examine_certificates(production=production)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        settings: AssignmentsSettings = kernel.settings(AssignmentsSettings)
        access = AssignmentAccess(kernel.database)
        self.grading = grading = GradingFeature(kernel, settings, access)
        peers = PeerReviewFeature(kernel, access, grading.lateness, grading.pseudonyms)
        submissions = SubmissionsFeature(
            kernel, settings, access, grading=grading.answers, peers=peers.openness, turned_in=(grading.grades,)
        )
        gradebook = GradeBookFeature(kernel, settings, access, grading.reader, grading.answers)
        completion = CompletionFeature(kernel, settings, access, gradebook.reader)
        catalogue = CatalogueFeature(kernel, settings, access, changed=(grading.releases.changed,))
        # The packages from the lowest layer up. Each has its features and its routes.
        packages: tuple[Package, ...] = (
            catalogue,
            submissions,
            grading,
            peers,
            gradebook,
            completion,
            ExportFeature(kernel, settings, access, grading.lateness, grading.pseudonyms),
        )
        self._personal_data: tuple[PersonalData, ...] = (
            catalogue.personal_data,
            submissions.personal_data,
            grading.personal_data,
            peers.personal_data,
            completion.personal_data,
        )
        features = (feature for package in packages for feature in package.features)
        self.features = (*features, AssignmentNotices(kernel))
        self.contributions = (*PUBLIC, *FACTS)
        self.routes = tuple(router for package in packages for router in package.routes)

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        return {"assignment": await demo.seed(self.kernel.database, people["mentor"].id)}

    async def export(self, user: str) -> Mapping[str, Any]:
        held: dict[str, Any] = {}
        for part in self._personal_data:
            held |= await part.export(user)
        return held

    async def forget(self, user: str) -> Collection[str]:
        for part in self._personal_data:
            await part.forget(user)
        return ()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        await asyncio.to_thread(lambda: load_zones(time_zones.names()))
        yield
