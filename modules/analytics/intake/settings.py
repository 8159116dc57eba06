"""The settings of what comes in."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class IntakeSettings:
    """How facts and client events are stored."""

    store_batch: int = setting(2000, doc="Most events that are stored in one transaction")
    store_wait: float = setting(0.5, doc="How long a first event waits for others, to be stored with them")
    as_of_interval: float = setting(1.0, doc="Time between two looks at how far the events are stored")


@dataclass(frozen=True, kw_only=True)
class TrackingSettings:
    """What clients may send."""

    anonymous: bool = setting(True, doc="Whether events are taken of callers without a token, as nobody's")
    events_at_once: int = setting(500, doc="Most client events in one request or command")
    events_per_minute: int = setting(
        1200,
        doc="Client events of one user, or one address without a token, in a minute at one gateway; more are a bot's",
    )
    bot_words: tuple[str, ...] = setting(
        ("bot", "crawl", "spider", "slurp", "headless", "phantomjs", "lighthouse", "pingdom", "uptime", "preview"),
        doc="Parts of a User-Agent whose events are not taken, in any case",
    )
    gather_seconds: float = setting(
        0.2, doc="How long events of a socket wait for those of others, to be kept with them"
    )
    track_rate_count: int = setting(30, doc="How often a connection may use `analytics.track` at once")
    track_rate_seconds: float = setting(30.0, doc="Time in which it may use it as often again")
