"""Serves the metrics at an address of their own, by threads, so that a scrape does not hold the event loop."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Metric, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway.settings import Settings, SettingsError, variable

log = structlog.get_logger(__name__)

# Prometheus' own variable: the folder where the counters of several processes meet.
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
LIVE: Final = re.compile(r"gauge_live[a-z]*_([0-9]+)\.db")


class ScrapeHandler(WSGIRequestHandler):
    # Seconds that a client may be silent for.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are too many to be logged."""


class Workers(MultiProcessCollector):
    """The metrics of all workers, without the gauges of those that are gone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None, str(folder))  # type: ignore[no-untyped-call]
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        for file in self._folder.iterdir():
            found = LIVE.fullmatch(file.name)
            if found is not None and not _lives(int(found[1])):
                mark_process_dead(int(found[1]), str(self._folder))  # type: ignore[no-untyped-call]
        return super().collect()  # type: ignore[no-any-return,no-untyped-call]


def collectors() -> CollectorRegistry:
    """What this process can tell: of itself, or of all workers where it is one of several or their parent."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return REGISTRY
    registry = CollectorRegistry()
    registry.register(Workers(Path(folder)))
    return registry


@contextlib.contextmanager
def exposed(address: str) -> Iterator[int]:
    """Serve `/metrics` at an address, `host:port`, while it lasts; gives the port.

    One scrape is rendered at a time. An empty address serves nothing, and gives 0. So does the default one where
    another gateway of this machine has it. Raises SettingsError when another address cannot be listened on.
    """
    if not address:
        yield 0
        return
    host, _, port = address.rpartition(":")
    render, one_at_a_time = make_wsgi_app(collectors()), threading.Lock()

    def app(environ: Any, start_response: Any) -> Any:
        with one_at_a_time:
            return render(environ, start_response)

    class Server(ThreadingWSGIServer):
        address_family = _family(host)

    try:
        server = make_server(host.strip("[]"), int(port), app, Server, ScrapeHandler)
    except OSError as error:
        if address == Settings.metrics_address:
            log.warning("metrics.not_served", address=address, reason=error.strerror)
            yield 0
            return
        raise SettingsError(
            f"{address} cannot be listened on for metrics ({error.strerror}); stop what uses it, or choose another "
            f"address with {variable('metrics_address')}, or none."
        ) from None
    log.info("metrics.listening", host=host, port=server.server_port)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _family(host: str) -> Any:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
