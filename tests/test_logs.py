"""What a log line must not hold."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

PROGRAM = """
import sys, structlog
from gateway.protocol.messages import Connect
from gateway.telemetry import logs

logs.configure("info", sys.argv[1])

def fail(command):
    try:
        raise KeyError("unforeseen")
    except KeyError:
        structlog.get_logger().exception("connect.failed")

fail(Connect(cmd="connect", token="a-bearer-token"))
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_does_not_show_a_token(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=True)
    assert "connect.failed" in done.stderr
    assert "unforeseen" in done.stderr
    assert "a-bearer-token" not in done.stderr


LINES = """
import sys, structlog
from gateway.telemetry import logs

logs.configure("info", sys.argv[1])
for log in (structlog.get_logger("gateway.some"), logs.QuickLog("gateway.some")):
    log.info("connection.closed", connection="3f2a", code=1000, user="u-1", note=None, name="a b é")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_lines_of_connections_look_like_all_others(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", LINES, form], capture_output=True, text=True, check=True)
    lines = [re.sub(r"\d{4}-\S+Z", "TIME", line) for line in done.stderr.splitlines()]
    assert len(lines) == 2
    assert lines[0] == lines[1]


QUICK = """
import sys, structlog
from gateway.telemetry import logs

logs.configure("info", sys.argv[1])
structlog.contextvars.bind_contextvars(request="of-the-context")
logs.QuickLog("gateway.some").info("connection.closed", connection="3f2a")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_lines_of_connections_do_without_the_chain_of_processors(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", QUICK, form], capture_output=True, text=True, check=True)
    assert "3f2a" in done.stderr
    assert "of-the-context" not in done.stderr
