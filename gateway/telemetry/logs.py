"""Structured logs: one JSON object a line, with the connection's or request's id bound to it."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any, ClassVar, Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from gateway import clock
from gateway.telemetry.output import LIMIT, Output, descriptor_of

log = structlog.get_logger(__name__)

# Libraries whose `info` lines interest only their own developers.
QUIET = ("httpx", "httpcore", "nats", "uvicorn.error", "asyncio")

# How long a process that ends waits for a slow reader of its last lines.
LAST_LINES = 0.5


class OutputHandler(logging.Handler):
    """Writes log lines; a reader that is slow or gone holds nothing up, and loses lines, which the log then says."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._output.write(self.format(record))
            self._tell_lost()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        self._output.flush(LAST_LINES)
        self._tell_lost()
        # That line may have to wait for its reader too.
        self._output.flush(LAST_LINES)

    def _tell_lost(self) -> None:
        if lost := self._output.take_lost():
            log.warning("log.lines_lost", lines=lost)


# Texts that the console has without quotes.
PLAIN: Final = re.compile(r"[\w.:/@+-]+", re.ASCII)


class QuickLog:
    """Writes the lines that each connection has. They have the fields and the form of all others, for a fifth
    of the cost: no chain of processors, and nothing of the context.
    """

    # "json", "console", or none before `configure`.
    form: ClassVar[str] = ""

    def __init__(self, name: str) -> None:
        self._name = name
        self._logger = logging.getLogger(name)
        self._structured = structlog.get_logger(name)

    def info(self, event: str, **fields: str | int | None) -> None:
        if not self.form:
            self._structured.info(event, **fields)
            return
        if not self._logger.isEnabledFor(logging.INFO):
            return
        at = clock.now().replace(tzinfo=None).isoformat() + "Z"
        if self.form == "console":
            shown = " ".join([f"{name}={_shown(fields[name])}" for name in sorted(fields)])
            line = f"{at} [info     ] {event:<30} [{self._name}] {shown}"
        else:
            line = json.dumps({**fields, "event": event, "level": "info", "logger": self._name, "timestamp": at})
        record = logging.LogRecord(self._name, logging.INFO, "", 0, line, None, None)
        record.line = line
        self._logger.handle(record)


def _shown(value: object) -> str:
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else repr(value)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        line: str | None = getattr(record, "line", None)
        return super().format(record) if line is None else line


def configure(level: str, form: str, waiting: int = LIMIT) -> None:
    """Send every log line of the process, ours and the libraries', through one chain to stderr.

    At most `waiting` bytes are kept for a reader that is slow.
    """
    QuickLog.form = "console" if form == "console" else "json"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
        if form == "console"
        else [
            # Never with local variables: they hold tokens.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    )
    handler = OutputHandler(Output(descriptor_of(sys.stderr, 2), limit=waiting))
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
