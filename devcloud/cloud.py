"""All parts of the stand-in, as an operation's handler sees them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devcloud.document import Document
from devcloud.events import Events
from devcloud.faults import FaultSwitch
from devcloud.moto_server import MotoServer
from devcloud.names import Place
from devcloud.quotas import Quotas
from devcloud.store import Store


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """`url` is where clients reach it, without a slash at the end."""

    place: Place
    url: str
    store: Store
    faults: FaultSwitch
    quotas: Quotas
    events: Events
    moto: MotoServer


# Changes the state at once, without waiting: two requests never see each other half done. What has to wait (S3, the
# queue) is put in line behind `events`.
Handler = Callable[[Cloud, Document], Document | None]


class Handlers:
    """The operations of a service that are built, by name."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.built: dict[str, Handler] = {}

    def __call__(self, operation: str) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.built[f"{self.service}.{operation}"] = handler
            return handler

        return keep


Step = Callable[[], Awaitable[None]]
