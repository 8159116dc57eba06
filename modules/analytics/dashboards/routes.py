"""The routes of measures and dashboards."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.analytics.dashboards.asked import Asked, By, Kind, Lang, SessionId, asked
from modules.analytics.dashboards.dashboards import Dashboards
from modules.analytics.dashboards.messages import Dashboard, MeasureList, SessionReport
from modules.analytics.dashboards.session_reports import SessionReports
from modules.analytics.measures.messages import MeasureFigures
from modules.analytics.measures.zone import Step

STAFF: Final = roles(Role.MENTOR, Role.ADMIN)
ADMINS: Final = roles(Role.ADMIN)
READERS: Final = signed_in(owner="the measure is for their role, and the program is theirs")
HOSTS: Final = roles(Role.MENTOR, Role.ADMIN, owner="they host the session or teach its program")
Name = Annotated[str, PathParameter(pattern="^[a-z0-9_-]{1,64}$")]
Points = Annotated[Step | None, QueryParameter(name="step", description="How long a point of a trend is")]


@get("/measures", policy=signed_in())
async def list_measures(
    principal: NamedDependency[Principal], dashboards: NamedDependency[Dashboards], lang: Lang = "en"
) -> MeasureList:
    """The measures that you may read, with their definitions."""
    return await dashboards.measures(principal, lang)


@get("/measures/{name:str}", policy=READERS, dependencies=asked())
async def read_measure(
    name: Name,
    principal: NamedDependency[Principal],
    dashboards: NamedDependency[Dashboards],
    asked: NamedDependency[Asked],
    by: By = None,
    session: SessionId = "",
    kind: Kind = "",
) -> MeasureFigures:
    """One measure: of the platform for admins, of their programs for mentors, of themselves for students."""
    return await dashboards.measure(principal, name, asked, by, session, kind)


@get("/dashboards/student", policy=signed_in(), dependencies=asked())
async def student_dashboard(
    principal: NamedDependency[Principal],
    dashboards: NamedDependency[Dashboards],
    asked: NamedDependency[Asked],
    step: Points = None,
) -> Dashboard:
    """How you get on: your own figures, whatever your role."""
    return await dashboards.dashboard(principal, "student", asked, step)


@get("/dashboards/mentor", policy=STAFF, dependencies=asked())
async def mentor_dashboard(
    principal: NamedDependency[Principal],
    dashboards: NamedDependency[Dashboards],
    asked: NamedDependency[Asked],
    step: Points = None,
) -> Dashboard:
    """How your programs go; an admin's are all of them."""
    return await dashboards.dashboard(principal, "mentor", asked, step)


@get("/dashboards/admin", policy=ADMINS, dependencies=asked())
async def admin_dashboard(
    principal: NamedDependency[Principal],
    dashboards: NamedDependency[Dashboards],
    asked: NamedDependency[Asked],
    step: Points = None,
) -> Dashboard:
    """How the platform and its business go."""
    return await dashboards.dashboard(principal, "admin", asked, step)


@get("/sessions/{id:str}", policy=HOSTS)
async def session_report(
    id: FromPath[str],
    principal: NamedDependency[Principal],
    reports: NamedDependency[SessionReports],
    lang: Lang = "en",
) -> SessionReport:
    """One session, after class: its curve, who left when, who took part, and its stars."""
    return await reports.report(principal, id, lang)


def router(dashboards: Dashboards, reports: SessionReports) -> Router:
    return Router(
        "/analytics",
        route_handlers=[
            list_measures,
            read_measure,
            student_dashboard,
            mentor_dashboard,
            admin_dashboard,
            session_report,
        ],
        dependencies=services(dashboards=dashboards, reports=reports),
    )
