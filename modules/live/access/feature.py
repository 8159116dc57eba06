"""Access, put together: authorization, joining, tokens, and evictions."""

from __future__ import annotations

from litestar import Router

from gateway.contract import Kernel
from gateway.http.services import services
from modules.live.access import routes
from modules.live.access.authorization import SessionAuthorizer
from modules.live.access.join import Admissions
from modules.live.access.playback_tokens import PlaybackKey
from modules.live.access.removal import FormerParticipants
from modules.live.access.stage_tokens import StageTokens
from modules.live.settings import LiveSettings


class AccessFeature:
    """`key` signs playback and stage tokens. It is None where sessions have no video."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, key: PlaybackKey | None, *, records: bool) -> None:
        self.authorizer = SessionAuthorizer(kernel, settings)
        self.stage_tokens = StageTokens(kernel, settings, self.authorizer, key)
        admissions = Admissions(kernel, self.authorizer, key, self.stage_tokens, records=records)
        self.features = (admissions, self.stage_tokens, FormerParticipants(kernel, settings))
        self.routes = Router(
            "/sessions",
            route_handlers=[routes.join],
            dependencies=services(admissions=admissions, public_url=settings.public_url.rstrip("/")),
        )
