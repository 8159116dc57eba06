"""The settings of sinks, `KSMP_ANALYTICS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import SettingsError, setting


@dataclass(frozen=True, kw_only=True)
class MixpanelSettings:
    """The project at Mixpanel. Without one nothing is sent there."""

    mixpanel_project: str = setting("", doc="The id of the project at Mixpanel; empty: nothing is sent there")
    mixpanel_account: str = setting("", doc="The name of a service account that may import")
    mixpanel_secret: str = setting("", secret=True, doc="The secret of the service account")
    mixpanel_token: str = setting("", secret=True, doc="The token of the project, by which people's data are deleted")
    mixpanel_deletion_token: str = setting(
        "", secret=True, doc="The token of a member of the project for deleting people's data; it ends after a year"
    )
    mixpanel_url: str = setting(
        "https://api-in.mixpanel.com", https=True, doc="Where events are imported; this one stores them in India"
    )
    mixpanel_app_url: str = setting(
        "https://in.mixpanel.com", https=True, doc="Where the deletion of people's data is asked for"
    )
    mixpanel_batch: int = setting(2000, doc="Events of one batch to Mixpanel, which takes 2,000 at most")
    mixpanel_patience: float = setting(3600.0, doc="Time between two looks at a deletion, which takes days")

    def examine_mixpanel(self) -> str:
        """Raises SettingsError for what is set by half."""
        if not self.mixpanel_project:
            return ""
        needed = {
            "KSMP_ANALYTICS_MIXPANEL_ACCOUNT": self.mixpanel_account,
            "KSMP_ANALYTICS_MIXPANEL_SECRET": self.mixpanel_secret,
            # Whoever may not delete must not send: users can withdraw.
            "KSMP_ANALYTICS_MIXPANEL_TOKEN": self.mixpanel_token,
            "KSMP_ANALYTICS_MIXPANEL_DELETION_TOKEN": self.mixpanel_deletion_token,
        }
        if missing := [name for name, value in needed.items() if not value]:
            raise SettingsError(f"KSMP_ANALYTICS_MIXPANEL_PROJECT needs {' and '.join(missing)} as well.")
        if self.mixpanel_batch > 2000:
            raise SettingsError(
                "KSMP_ANALYTICS_MIXPANEL_BATCH must not be above 2000, which is all that Mixpanel takes."
            )
        return f"events of users who allow it go to {self.mixpanel_url}"


@dataclass(frozen=True, kw_only=True)
class WarehouseSettings:
    """Files for a warehouse, in a bucket of S3. Without one none are written."""

    warehouse_bucket: str = setting("", doc="The bucket that gets files for a warehouse; empty: none are written")
    warehouse_prefix: str = setting("analytics/", doc="What the names of these files begin with")
    warehouse_interval: float = setting(300.0, doc="Least time between two batches of files")
    warehouse_rows: int = setting(50_000, doc="Events of one batch of files")

    def examine_warehouse(self) -> str:
        return f"events of users who allow it go to the bucket {self.warehouse_bucket}" if self.warehouse_bucket else ""


@dataclass(frozen=True, kw_only=True)
class SinkSettings(MixpanelSettings, WarehouseSettings):
    """What leaves the platform."""

    sinks_on: bool = setting(True, doc="Whether this gateway sends to sinks and deletes; false leaves it to others")
    sink_interval: float = setting(5.0, doc="Time between two looks for events that may leave, and for deletions")
    sink_timeout: float = setting(30.0, doc="How long a sink may take for a batch")
    sink_first_wait: float = setting(1.0, doc="Time from the first failure of a sink to the second try; it doubles")
    sink_most_wait: float = setting(600.0, doc="The longest such time")
    sink_refused_days: int = setting(90, doc="Days for which an event that a sink refused is shown")
    deletion_attempts: int = setting(10, doc="Tries of a deletion before it has failed")
