"""Sessions, put together: their rows, their life, and the timers that drive it."""

from __future__ import annotations

from litestar import Router

from gateway.contract import Kernel
from gateway.http.services import services
from gateway.settings import SettingsError
from modules.live.notices import SessionNotices
from modules.live.sessions import routes
from modules.live.sessions.reminders import Reminders
from modules.live.sessions.service import Sessions
from modules.live.sessions.timer_handlers import TimerHandlers
from modules.live.sessions.video import SessionVideo
from modules.live.settings import LiveSettings


class SessionsFeature:
    """The service of sessions, its routes, and the handlers of its timers."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, video: SessionVideo, notices: SessionNotices) -> None:
        reminders = _reminders(settings)
        self.sessions = Sessions(kernel, settings, video, reminders, notices)
        self.features = (self.sessions, TimerHandlers(kernel, self.sessions, reminders, notices))
        self.routes = Router(
            "/sessions",
            route_handlers=[
                routes.listing,
                routes.create,
                routes.read,
                routes.change,
                routes.open_lobby,
                routes.start,
                routes.end,
                routes.cancel,
            ],
            dependencies=services(sessions=self.sessions),
        )


def _reminders(settings: LiveSettings) -> Reminders:
    """Raises SettingsError for a time that is no number of seconds before the beginning."""
    try:
        return Reminders(int(seconds) for seconds in settings.remind_before)
    except ValueError:
        raise SettingsError("KSMP_LIVE_REMIND_BEFORE must be whole seconds before a session, each 1 or more.") from None
