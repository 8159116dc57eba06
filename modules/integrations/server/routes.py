"""The routes of the server API. Each takes an API key with one scope, and no user's token."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import service as keys_with
from gateway.http.listing import DEFAULT, MOST
from gateway.http.services import services
from gateway.principal import ServicePrincipal
from modules.integrations.server.disconnecting import Disconnecting
from modules.integrations.server.messages import (
    NEWEST,
    Batch,
    BatchResults,
    NewMessage,
    PublishedMessage,
    RoomHistory,
    RoomPresence,
)
from modules.integrations.server.notification_messages import NewNotification, SentNotification
from modules.integrations.server.notifications import ServiceNotifications
from modules.integrations.server.publishing import Publishing
from modules.integrations.server.reading import RoomReading
from modules.integrations.services.scopes import Scope
from modules.notify.facade import NoticeReport

ITS_ROOM = "the key is for the room"
After = Annotated[str, QueryParameter(pattern="^[A-Za-z0-9_-]{0,64}$", description="`next` of the page before")]
UserPath = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
RoomPath = Annotated[str, PathParameter(pattern="^[a-z][a-z0-9_]{0,31}:[A-Za-z0-9_-]{1,64}$")]
Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="Most items to answer")]


@post("/publish", policy=keys_with(Scope.PUBLISH, owner=ITS_ROOM), status_code=200)
async def publish(
    data: JSONBody[NewMessage],
    service: NamedDependency[ServicePrincipal],
    publishing: NamedDependency[Publishing],
) -> PublishedMessage:
    """Publish a message in a room: every member gets the push `integrations.message`, on every gateway."""
    return await publishing.publish(service, data)


@post("/publish/batch", policy=keys_with(Scope.PUBLISH, owner="the key is for all the rooms"), status_code=200)
async def publish_batch(
    data: JSONBody[Batch],
    service: NamedDependency[ServicePrincipal],
    publishing: NamedDependency[Publishing],
) -> BatchResults:
    """Publish up to 100 messages in any rooms. Each has its own result: one may fail, and the others are published."""
    return await publishing.publish_batch(service, data)


@get("/rooms/{room:str}/presence", policy=keys_with(Scope.PRESENCE, owner=ITS_ROOM))
async def presence(
    room: RoomPath,
    service: NamedDependency[ServicePrincipal],
    reading: NamedDependency[RoomReading],
    after: After = "",
    limit: Limit = DEFAULT,
) -> RoomPresence:
    """How many people are in a room, and who, over all gateways."""
    return await reading.presence(service, room, after, limit)


@get("/rooms/{room:str}/history", policy=keys_with(Scope.HISTORY, owner=ITS_ROOM))
async def history(
    room: RoomPath,
    service: NamedDependency[ServicePrincipal],
    reading: NamedDependency[RoomReading],
    before: Annotated[int, QueryParameter(ge=1, le=NEWEST, description="Only pushes with a seq below it")] = NEWEST,
    limit: Limit = DEFAULT,
) -> RoomHistory:
    """The stored pushes of a room, the newest ones, without what was erased."""
    return await reading.history(service, room, before, limit)


@post("/notifications", policy=keys_with(Scope.NOTIFY))
async def send_notification(
    data: JSONBody[NewNotification],
    service: NamedDependency[ServicePrincipal],
    notifications: NamedDependency[ServiceNotifications],
) -> SentNotification:
    """Send a notification to a user, a role, or those of a program or a session."""
    return await notifications.send(service, data)


@get("/notifications/{id:uuid}", policy=keys_with(Scope.NOTIFY, owner="the service sent it"), conditional=False)
async def notification_report(
    id: FromPath[UUID],
    service: NamedDependency[ServicePrincipal],
    notifications: NamedDependency[ServiceNotifications],
) -> NoticeReport:
    """What became of a notification so far, in counts by channel."""
    return await notifications.report(service, id)


@post("/users/{user:str}/disconnect", policy=keys_with(Scope.DISCONNECT), status_code=204)
async def disconnect_user(
    user: UserPath,
    service: NamedDependency[ServicePrincipal],
    disconnecting: NamedDependency[Disconnecting],
) -> None:
    """Close a user's sockets on every gateway, and refuse the tokens that exist now. A repeat does it again."""
    await disconnecting.disconnect(service, user)


def router(
    publishing: Publishing, reading: RoomReading, notifications: ServiceNotifications, disconnecting: Disconnecting
) -> Router:
    return Router(
        "/server",
        route_handlers=[
            publish,
            publish_batch,
            presence,
            history,
            send_notification,
            notification_report,
            disconnect_user,
        ],
        dependencies=services(
            publishing=publishing, reading=reading, notifications=notifications, disconnecting=disconnecting
        ),
    )
