"""What a log line must not hold."""

from __future__ import annotations

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
