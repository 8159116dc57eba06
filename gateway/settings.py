"""The environment, read once: every `KSMP_*` variable, typed, with its default and its meaning."""

from __future__ import annotations

import dataclasses
import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from gateway import nats_address
from gateway.nats_address import NatsAddress

PREFIX = "KSMP_"
CENTURY: Final = 100 * 365 * 86_400.0
# The types that the text of a variable is read as, besides Literal.
READABLE: Final = (str, int, float, bool, tuple[str, ...])

# `host:port`; an IPv6 address stands in brackets.
ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+):[0-9]{1,5}")

T = TypeVar("T")


class SettingsError(Exception):
    """A variable is missing, unknown or has a bad value; the message names it."""


def commas(text: str) -> list[str]:
    """The parts of a list in one variable."""
    return [part.strip() for part in text.split(",") if part.strip()]


def setting(
    default: Any = MISSING,
    *,
    doc: str,
    secret: bool = False,
    zero: bool = False,
    https: bool = False,
    production: bool = False,
    split: Callable[[str], list[str]] = commas,
) -> Any:
    """Declare one setting. Without a default it must be set; a secret one is never printed.

    Numbers are finite and above zero, or with `zero` not below it. One with `https` is an address that in production
    begins with `https://`, and one with `production` must be set there. `split` takes the text of a tuple apart.
    """
    metadata = {"doc": doc, "secret": secret, "zero": zero, "https": https, "production": production, "split": split}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a gateway process. Times are in seconds, sizes in bytes."""

    environment: Literal["production", "development", "test"] = setting(
        "production", doc="`development` is what `ksmp dev` sets; `test` turns failpoints on"
    )
    host: str = setting("0.0.0.0", doc="Address to listen on; `::` is every one, of IPv4 too")  # noqa: S104
    port: int = setting(8000, doc="Port to listen on")
    metrics_address: str = setting(
        "127.0.0.1:9464",
        doc="Where `/metrics` is served to a scraper that is not asked who it is, `host:port`; empty is nowhere. "
        "Several workers share it",
    )
    metrics_token: str = setting(
        "", secret=True, doc="Serves `/metrics` on the public port as well, to `Authorization: Bearer` with this token"
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", doc="Least level that is logged")
    log_format: Literal["json", "console"] = setting("json", doc="How a log line looks")
    log_bytes: int = setting(
        1024 * 1024, doc="Log that waits for a slow reader; lines beyond it are lost, which `log.lines_lost` counts"
    )
    stall_log: float = setting(
        0.0, zero=True, doc="How long the event loop may be held before that is logged with the stack; 0 is never"
    )
    event_loop: Literal["auto", "asyncio", "uvloop"] = setting(
        "auto", doc="Event loop; `auto` is uvloop where it is installed"
    )
    modules: tuple[str, ...] = setting((), doc="Modules that are on, by name; empty means every installed one")
    module_paths: tuple[str, ...] = setting(
        (), doc="Folders with modules that are not installed; `ksmp dev --module` sets it"
    )
    allowed_origins: tuple[str, ...] = setting(
        (), doc="Values of `Origin` that may open a socket; an absent `Origin` always may"
    )

    database_url: str = setting(doc="PostgreSQL, `postgresql://user:password@host:port/name`", secret=True)
    database_pool: int = setting(10, doc="Connections to PostgreSQL a process holds at most")
    database_timeout: float = setting(5.0, doc="How long a statement may take")

    nats_url: tuple[str, ...] = setting(
        doc="NATS servers, `nats://host:port`, with `name:password@` or `token@` before the host where they want one; "
        "percent escapes are read, and `@` needs one; a comma parts servers after the first `@`",
        secret=True,
        split=nats_address.split,
    )
    nats_replicas: int = setting(1, doc="Copies of each stream: 1, 3 or 5; production runs 3")
    retention: float = setting(72 * 3600.0, doc="How long a room's log reaches back in the stream")

    issuer: str = setting(doc="`iss` that a token must carry")
    jwks_url: str = setting(
        doc="Where the issuer publishes its keys: `https://`, or `http://` of this machine in development", https=True
    )
    client_ids: tuple[str, ...] = setting(doc="App clients whose tokens are accepted (`client_id` or `aud`)")
    token_leeway: float = setting(30.0, zero=True, doc="Clock difference tolerated in a token's times")
    token_life: float = setting(86_400.0, doc="Longest life of a token; one that lives longer is refused")
    token_bytes: int = setting(8192, doc="Longest token that is looked at")
    development_issuer: str = setting(
        "", doc="Folder with the development issuer's key; refused unless the environment is `development` or `test`"
    )

    aws_region: str = setting(
        "us-east-1", doc="Region of everything in AWS; its credentials come as every AWS SDK takes them"
    )
    aws_endpoint: str = setting(
        "", doc="Where all of AWS is instead of its own addresses: `ksmp dev` has a stand-in", https=True
    )

    header_timeout: float = setting(10.0, doc="How long the head of an HTTP request may take to come")
    header_bytes: int = setting(32 * 1024, doc="Size at which the unfinished head of an HTTP request is refused")
    body_timeout: float = setting(30.0, doc="How long the body of an HTTP request may take to come")
    read_timeout: float = setting(30.0, doc="How long an HTTP client may read nothing of its response")
    close_timeout: float = setting(5.0, doc="How long a client may take to read the end of an HTTP response")
    unfinished_requests: int = setting(
        1000, doc="HTTP requests of a process that may be waited for; one more cuts the oldest off"
    )

    refused_handshake_rate: float = setting(
        5.0, doc="Refused handshakes of one address in a second that get the reason; the others get 429"
    )
    refused_handshake_burst: int = setting(50, doc="As many at once")
    refused_handshake_log: float = setting(10.0, doc="Time whose refused handshakes and `connect`s are logged together")
    refused_connect_rate: float = setting(
        5.0, doc="Bad tokens of one address in a second after which a socket may try again; others are closed (4500)"
    )
    refused_connect_burst: int = setting(50, doc="As many at once")
    silent_sockets: int = setting(
        5000, doc="Sockets of a process that may have said nothing yet; one more closes the oldest (4000)"
    )
    connect_timeout: float = setting(10.0, doc="How long a socket may stay without a successful `connect`")
    message_bytes: int = setting(16 * 1024, doc="Largest message a client may send")
    connect_bytes: int = setting(64 * 1024, doc="Largest message while not connected (`connect` with many rooms)")
    command_rate: float = setting(
        20.0, doc="Commands a second a connection may send, and a user over all connections and requests to a node"
    )
    command_burst: int = setting(40, doc="Commands a connection may send at once")
    user_burst_factor: float = setting(2.0, doc="Times that burst a user may send at once, over all of them")
    flood_factor: float = setting(10.0, doc="Times over the command limit at which the socket is closed")
    commands_in_flight: int = setting(64, doc="Commands of one connection that may wait for their reply")
    rooms_per_connection: int = setting(128, doc="Rooms one connection may be in")
    connections_per_user: int = setting(10, doc="Sockets one user may hold; one more displaces the oldest")
    outbound_soft_bytes: int = setting(256 * 1024, doc="Unread bytes over which ephemeral pushes are dropped")
    outbound_hard_bytes: int = setting(1024 * 1024, doc="Unread bytes over which the socket is closed as slow")
    compress_bytes: int = setting(
        1024, doc="Size from which a room's message is compressed, for clients that accept it"
    )
    presence_grace: float = setting(5.0, zero=True, doc="How long a user without a connection stays in a room")
    presence_silence: float = setting(12.0, doc="How long a silent node's members stay in a room")
    presence_listed: int = setting(200, doc="Members over which a room's `presence` push carries `v` and `count` alone")
    sse_heartbeat: float = setting(15.0, doc="Time between two comments on an idle event stream")
    ping_interval: float = setting(25.0, doc="Time between two pings")
    ping_timeout: float = setting(10.0, doc="How long a pong may take")
    history_limit: int = setting(200, doc="Most messages one `history` or `join` answers")
    join_messages: int = setting(50, zero=True, doc="Last messages a join answers when it could not recover")
    snapshot_interval: float = setting(
        0.1,
        zero=True,
        doc="Time between two reads of a room's shared snapshot parts; who asks meanwhile waits for the next",
    )
    recovery_messages: int = setting(1000, doc="Most messages a recovery replays")
    recovery_bytes: int = setting(256 * 1024, doc="Most bytes a recovery or a page of history carries")
    connect_recovery_bytes: int = setting(512 * 1024, doc="Most bytes one `connect` replays over all its rooms")

    body_bytes: int = setting(1024 * 1024, doc="Largest body of a request to a REST route that states no other")
    request_rate: float = setting(20.0, doc="Requests a second one signed-in user may send, over all gateways")
    request_burst: int = setting(200, doc="Requests one signed-in user may send at once")
    address_rate: float = setting(20.0, doc="Requests a second one address may send without a good token")
    address_burst: int = setting(400, doc="Requests one address may send at once without a good token")
    rate_interval: float = setting(0.1, doc="How often the gateways tell each other how much of the limits is used")
    rate_entries: int = setting(100_000, doc="Users and addresses whose use of the limits is remembered")
    identity_fresh: float = setting(
        15.0, zero=True, doc="How long a user's identity is used before the modules are asked again"
    )
    idempotency_kept: float = setting(24 * 3600.0, doc="How long the first answer to an `Idempotency-Key` is kept")
    idempotency_lease: float = setting(
        60.0, doc="After how long the key of a request that was never answered may be used again"
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), doc="Proxies (addresses and networks) whose `X-Forwarded-For` and `-Proto` count; empty means none"
    )
    compress_response_bytes: int = setting(1024, doc="Size from which a response is compressed, with zstd or gzip")

    room_linger: float = setting(30.0, zero=True, doc="How long a node follows a room that its last member left")
    head_interval: float = setting(5.0, doc="Time between two reads of the heads of the rooms in use")
    publish_timeout: float = setting(12.0, doc="How long a durable publish is retried before `unavailable`")
    grant_fresh: float = setting(
        15.0, zero=True, doc="How long a room's grant to a user is used without asking its module again"
    )
    grant_stale: float = setting(3600.0, zero=True, doc="How long a grant is used while its module's database is away")
    grant_wait: float = setting(
        0.3, doc="How long other nodes are waited for to tell of a grant while its module's database is away"
    )
    fact_interval: float = setting(
        0.5, doc="Time between two looks at the rows of mutes, evictions, bans and revocations, which NATS tells too"
    )
    bus_grace: float = setting(30.0, zero=True, doc="How long sockets stay open without NATS")
    bus_dead_after: float = setting(
        120.0,
        zero=True,
        doc="Time without NATS after which `/health/live` says 503, so that the process is started again; 0 is never",
    )
    reconnect_rate: float = setting(
        200.0, doc="Clients a second that are told to come back when a gateway closes all it has"
    )
    reconnect_least: float = setting(1.0, zero=True, doc="Shortest window over which closed clients come back")
    reconnect_most: float = setting(60.0, zero=True, doc="Longest window over which closed clients come back")
    start_wait: float = setting(
        10.0,
        zero=True,
        doc="How long several processes that share the port accept nobody while none is ready; then they say so",
    )
    worker_timeout: float = setting(
        30.0, doc="How long one of several processes may give no sign of life before it is killed and started again"
    )
    drain_timeout: float = setting(10.0, zero=True, doc="How long a stopping gateway waits for work in flight")
    exit_timeout: float = setting(18.0, doc="How long a stopping gateway may take in all; then it just ends")

    event_bytes: int = setting(256 * 1024, doc="Largest event, row-first push or timer")
    event_retention: float = setting(72 * 3600.0, doc="How long the stream keeps events for listeners that are behind")
    outbox_keep: float = setting(
        6 * 3600.0, doc="How long sent rows stay in the outbox, to be sent again if NATS loses its storage"
    )
    event_attempts: int = setting(8, doc="Tries of a listener or timer before it is a dead letter")
    event_backoff: float = setting(1.0, doc="Wait after a first failed try; doubled after each further one")
    event_backoff_most: float = setting(300.0, doc="Longest wait between two tries")
    event_ack_wait: float = setting(10.0, doc="Silence of a node after which its messages go to another node")
    event_concurrency: int = setting(
        4,
        doc="Handlers of events and timers that run at once in a process, each with a connection to PostgreSQL; "
        "and as many of each that calls a vendor, without one",
    )
    dead_letter_retention: float = setting(30 * 86400.0, doc="How long dead letters are kept")
    intake_bytes: int = setting(
        512 * 1024 * 1024,
        doc="What may wait to be stored in batches, in all gateways together, when its stream is created; more is "
        "`unavailable`",
    )
    intake_message_bytes: int = setting(256 * 1024, doc="Largest message that is put there")
    intake_retention: float = setting(72 * 3600.0, doc="How long it may wait there")

    failpoints: str = setting("", doc="Named faults, `name=probability` or `name=delay:seconds`; `test` only")

    def __post_init__(self) -> None:
        if self.development_issuer and self.environment == "production":
            raise SettingsError(f"{variable('development_issuer')} is not allowed in production; unset it.")
        if self.failpoints and self.environment != "test":
            raise SettingsError(f"{variable('failpoints')} is only allowed in the environment `test`; unset it.")
        if self.metrics_address and not ADDRESS.fullmatch(self.metrics_address):
            raise SettingsError(f"{variable('metrics_address')} must be host:port, such as 127.0.0.1:9464, or empty.")
        for server in filter(None, self.nats_url):
            try:
                NatsAddress.parse(server)
            except ValueError as error:
                raise SettingsError(f"{variable('nats_url')} has a bad value (hidden): {error}.") from None
        check_addresses(self, PREFIX, production=self.environment == "production")
        place = urlsplit(self.jwks_url)
        # A gateway that listens on one address of the machine only has its own keys there.
        ours = is_loopback(place.hostname or "") or place.hostname == self.host
        if place.scheme != "https" and not (place.scheme == "http" and ours):
            raise SettingsError(
                f"{variable('jwks_url')} is {self.jwks_url!r}, where somebody on the way could put keys of their own; "
                "it must begin with https://, or in development be on this machine."
            )
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:
                raise SettingsError(
                    f"{variable('trusted_proxies')} has {proxy!r}, and takes addresses and networks such as 10.0.0.0/8."
                ) from None
        if self.nats_replicas not in (1, 3, 5):
            raise SettingsError(f"{variable('nats_replicas')} must be 1, 3 or 5.")
        if self.reconnect_least > self.reconnect_most:
            raise SettingsError(f"{variable('reconnect_least')} must not be over {variable('reconnect_most')}.")
        if self.outbound_soft_bytes > self.outbound_hard_bytes:
            raise SettingsError(
                f"{variable('outbound_soft_bytes')} must not be over {variable('outbound_hard_bytes')}."
            )

    @property
    def development(self) -> bool:
        return self.environment != "production"


def variable(name: str, prefix: str = PREFIX) -> str:
    """The environment variable of a setting."""
    return prefix + name.upper()


def check_addresses(settings: Any, prefix: str, *, production: bool) -> None:
    """Raise SettingsError for an address that production does not allow, or lacks."""
    if not production:
        return
    for item in fields(settings):
        value, name = getattr(settings, item.name), variable(item.name, prefix)
        if item.metadata.get("production") and not value:
            raise SettingsError(f"{name} is not set, which production demands: {item.metadata['doc']}.")
        if item.metadata.get("https") and value and urlsplit(value).scheme != "https":
            raise SettingsError(f"{name} is {value!r}, and must begin with https:// in production.")


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine; `localhost` and what ends so is (RFC 6761)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def settings_faults(kind: Any) -> Iterator[str]:
    """A sentence for each reason why `read` could not read a module's settings class; None has no settings."""
    if kind is None:
        return
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        name = getattr(kind, "__name__", repr(kind))
        yield f"settings_type {name} is no frozen dataclass; write @dataclass(frozen=True, kw_only=True) over the class"
        return
    try:
        hints = get_type_hints(kind)
    except NameError as error:
        yield f"{kind.__name__}: {error}; import the type at run time"
        return
    for item in fields(kind):
        where = f"{kind.__name__}.{item.name}"
        if "doc" not in item.metadata:
            yield f"{where} is no setting; write {item.name}: … = setting(…, doc=…)"
        elif hints[item.name] not in READABLE and get_origin(hints[item.name]) is not Literal:
            yield f"{where} is of a type that no variable has; use str, int, float, bool, Literal or tuple[str, ...]"


def read(kind: type[T], environ: Mapping[str, str], prefix: str = PREFIX) -> T:
    """Read one settings class from the environment.

    Raises SettingsError naming the first variable that is missing or has a bad value.
    """
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for item in fields(kind):  # type: ignore[arg-type]
        name = variable(item.name, prefix)
        text = environ.get(name)
        if text is None:
            if item.default is MISSING:
                raise SettingsError(f"{name} is not set: {item.metadata['doc']}.")
            continue
        values[item.name] = _convert(name, text, hints[item.name], item.metadata)
        _check_number(name, values[item.name], zero=item.metadata["zero"])
        if item.metadata["https"]:
            _check_address(name, values[item.name])
    return kind(**values)


def _convert(name: str, text: str, hint: Any, metadata: Mapping[str, Any]) -> Any:
    raw: Any = text
    if hint == tuple[str, ...]:
        raw = metadata["split"](text)
    try:
        return msgspec.convert(raw, hint, strict=False)
    except msgspec.ValidationError as error:
        shown = "(hidden)" if metadata["secret"] else repr(text)
        reason = f"it must be one of {', '.join(get_args(hint))}" if get_origin(hint) is Literal else str(error)
        raise SettingsError(f"{name} has a bad value {shown}: {reason}.") from None


def _check_number(name: str, value: Any, *, zero: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        least = "zero or above" if zero else "above zero"
        raise SettingsError(f"{name} has a bad value {value!r}: it must be {least}, and finite.")
    # A time of more than that is no date any more once it is added to now.
    if isinstance(value, float) and value > CENTURY:
        raise SettingsError(f"{name} has a bad value {value!r}: it must be at most {CENTURY:.0f}, a hundred years.")


def _check_address(name: str, value: str) -> None:
    try:
        place = urlsplit(value)
        fits = place.scheme in ("https", "http") and place.hostname and not place.fragment and "@" not in place.netloc
    except ValueError:
        fits = False
    if value and not fits:
        # It may hold a password.
        raise SettingsError(f"{name} has a bad value: it must be like https://host/path, without a password and #.")


def check_unknown(environ: Mapping[str, str], kinds: Iterable[tuple[type[Any], str]]) -> None:
    """Raise SettingsError for a `KSMP_*` variable that none of the (class, prefix) pairs declares."""
    known = {variable(item.name, prefix) for kind, prefix in kinds for item in fields(kind)}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(f"{name} is not a setting; `ksmp settings` lists them all.")


def table(kind: type[Any], prefix: str = PREFIX) -> str:
    """The settings of a class as a Markdown table, as `gateway/SETTINGS.md` holds it."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    hints = get_type_hints(kind)
    for item in fields(kind):
        if item.default is MISSING:
            default = "required"
        elif isinstance(item.default, tuple):
            default = ",".join(item.default) or "empty"
        else:
            default = str(item.default) if item.default != "" else "empty"
        hint = hints[item.name]
        choices = f" (one of {', '.join(get_args(hint))})" if get_origin(hint) is Literal else ""
        lines.append(f"| `{variable(item.name, prefix)}` | {default} | {item.metadata['doc']}{choices} |")
    return "\n".join(lines)


def environment(settings: Any, prefix: str = PREFIX) -> dict[str, str]:
    """The variables that make `read` give the same settings, for a child process."""
    result: dict[str, str] = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.default is not MISSING and value == item.default:
            continue
        result[variable(item.name, prefix)] = ",".join(value) if isinstance(value, tuple) else str(value)
    return result


replace = dataclasses.replace
