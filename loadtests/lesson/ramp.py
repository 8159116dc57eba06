"""How the class fills: evenly, then it stays for the lesson."""

from __future__ import annotations

from typing import Any

from locust import LoadTestShape

# The mentor and the REST probe.
STAFF = 2


class Ramp(LoadTestShape):
    """`--viewers` people at `--join-rate` a second, and `--seconds` of lesson once all are in."""

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None
        options: Any = self.runner.environment.parsed_options
        filling = options.viewers / options.join_rate
        if self.get_run_time() > filling + options.seconds:
            return None
        return options.viewers + STAFF, options.join_rate
