"""The routes of campaigns, for admins."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from gateway.auth.policy import roles
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.notify.campaigns.campaigns import Campaigns
from modules.notify.campaigns.messages import Campaign, CampaignReport, DryRun, NewCampaign, Preview
from modules.notify.campaigns.states import CampaignState

ADMIN = roles(Role.ADMIN)


@post("/preview", policy=ADMIN, status_code=200)
async def preview_campaign(
    data: JSONBody[NewCampaign], principal: NamedDependency[Principal], campaigns: NamedDependency[Campaigns]
) -> Preview:
    """How each channel shows a message."""
    return await campaigns.preview(principal, data)


@post("/dry-run", policy=ADMIN, status_code=200)
async def try_campaign(
    data: JSONBody[NewCampaign], principal: NamedDependency[Principal], campaigns: NamedDependency[Campaigns]
) -> DryRun:
    """What would become of a campaign: counts by channel and reason. Nothing is sent."""
    return await campaigns.dry_run(principal, data)


@post("/", policy=ADMIN, idempotent="required")
async def start_campaign(
    data: JSONBody[NewCampaign], principal: NamedDependency[Principal], campaigns: NamedDependency[Campaigns]
) -> Response[Campaign]:
    """Send a message to an audience, now or later."""
    made = await campaigns.start(principal, data)
    return tagged(made, status=201, headers={"Location": f"/api/v1/notify/campaigns/{made.id}"})


@get("/", policy=ADMIN)
async def list_campaigns(
    span: NamedDependency[Span],
    campaigns: NamedDependency[Campaigns],
    # Litestar keeps the name `state` for itself.
    wanted: Annotated[
        CampaignState | None, QueryParameter(name="state", description="Only those of this state")
    ] = None,
) -> Page[Campaign]:
    """All campaigns, the newest first."""
    return await campaigns.page(span, wanted)


@get("/{id:uuid}", policy=ADMIN)
async def read_campaign(id: FromPath[UUID], campaigns: NamedDependency[Campaigns]) -> CampaignReport:
    """A campaign, and what became of it so far."""
    return await campaigns.read(id)


@post("/{id:uuid}/stop", policy=ADMIN, status_code=200)
async def stop_campaign(
    id: FromPath[UUID], principal: NamedDependency[Principal], campaigns: NamedDependency[Campaigns]
) -> Response[Campaign]:
    """Send it to nobody any more, and take it out of the lists; doing it again changes nothing."""
    return tagged(await campaigns.stop(principal, id))


def router(campaigns: Campaigns) -> Router:
    return Router(
        "/notify/campaigns",
        route_handlers=[
            preview_campaign,
            try_campaign,
            start_campaign,
            list_campaigns,
            read_campaign,
            stop_campaign,
        ],
        dependencies=services(campaigns=campaigns),
    )
