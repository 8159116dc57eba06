"""The settings of notify, `KSMP_NOTIFY_*`."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.settings import SettingsError, setting
from modules.notify.mail.settings import MailSettings
from modules.notify.push_settings import PushSettings


@dataclass(frozen=True, kw_only=True)
class SendingSettings:
    """The workers that expand notices and send deliveries."""

    workers: int = setting(
        2, zero=True, doc="Workers of each channel on this gateway; 0 leaves sending to other gateways"
    )
    batch: int = setting(500, doc="Most deliveries, or users of an audience, that a worker takes at once")
    lease: float = setting(60.0, doc="How long a worker may take for them before another one looks what became of them")
    interval: float = setting(1.0, doc="Time between two looks for what is due when nothing woke the workers")
    attempts: int = setting(6, doc="Tries of one delivery before it has failed")
    first_wait: float = setting(5.0, doc="Time from a failed try to the next one; it doubles each time")
    most_wait: float = setting(900.0, doc="The longest such time")


@dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    """What readers are told, when, and in which language."""

    language: str = setting("en", doc="Language of those whose profile names none")
    time_zone: str = setting("Asia/Kolkata", doc="Time zone of those whose profile names none")
    digest_hour: int = setting(18, zero=True, doc="Hour of the user's zone at which digests of whole days are sent")
    free_channels: tuple[str, ...] = setting(
        ("in_app", "webhook"), doc="Channels without quiet hours, digests and caps; they tell what was read, too"
    )
    hour_cap: int = setting(30, doc="Most deliveries to a user in an hour, by each channel; urgent ones are sent all")
    day_cap: int = setting(120, doc="The same in a day")
    email_hour_cap: int = setting(6, doc="The same for e-mail in an hour")
    email_day_cap: int = setting(20, doc="The same for e-mail in a day")
    ask_again: float = setting(
        30.0, doc="Time until a module is asked again that could not say whether its notification is still wanted"
    )
    mutes: int = setting(100, doc="Rooms that a user may mute")

    def examine_reading(self) -> None:
        """Raises SettingsError for a time zone or an hour that there is not."""
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(f"KSMP_NOTIFY_TIME_ZONE is {self.time_zone!r}, which is no time zone.") from None
        if self.digest_hour > 23:
            raise SettingsError(f"KSMP_NOTIFY_DIGEST_HOUR is {self.digest_hour}, which is no hour.")


@dataclass(frozen=True, kw_only=True)
class CampaignSettings:
    """What admins and other back ends write."""

    system_channels: tuple[str, ...] = setting(
        ("push", "email"), doc="Channels of what admins and other back ends write, besides the list in the app"
    )
    campaigns_open: int = setting(20, doc="Most campaigns that wait or run at once")


@dataclass(frozen=True, kw_only=True)
class NotifySettings(SendingSettings, ReadingSettings, MailSettings, CampaignSettings, PushSettings):
    kept_days: int = setting(90, doc="Days after which a notification and what became of it are deleted")
