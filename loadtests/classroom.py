"""A live class: one mentor and many viewers of one session. Locust's file; `loadtests/CLASSROOM.md` says how to run it.

Viewers join, chat about once in 100 s each, type before they do, and about as often lose their connection and come
back. The run fails when a bar of `loadtests/lesson/verdict.py` is not met.
"""

from __future__ import annotations

import itertools
import logging
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser, User, between, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from devstack import state
from devstack.folder import STATE
from devstack.people import many_tokens
from gateway.principal import Role
from loadtests.lesson import verdict
from loadtests.lesson.participant import Participant, Refused
from loadtests.lesson.ramp import Ramp
from loadtests.lesson.tally import Tally

__all__ = ["Mentor", "Probe", "Ramp", "Viewer"]

log = logging.getLogger(__name__)


class Class:
    """The session everyone of this process is in."""

    def __init__(self, environment: Environment) -> None:
        options: Any = environment.parsed_options
        self._data = Path(options.data)
        self.dev = state.read(self._data / STATE)
        self.tally = Tally(environment)
        self._viewers = options.viewers
        self._tokens: Iterator[str] | None = None
        self._numbers = itertools.count()

    def viewer(self, worker: int) -> Participant:
        """The next viewer. No other process has the same one."""
        if self._tokens is None:
            prefix = f"class{worker}"
            self._tokens = many_tokens(self._data, Role.STUDENT, count=self._viewers + 100, prefix=prefix, ttl=8 * 3600)
        return self._participant(next(self._tokens))

    def mentor(self) -> Participant:
        return self._participant(self.dev.tokens["mentor"])

    def _participant(self, token: str) -> Participant:
        gateways = self.dev.gateways
        gateway = gateways[next(self._numbers) % len(gateways)]
        return Participant(gateway.replace("http", "ws", 1) + "/realtime", self.dev.room, token, self.tally)


class Person(User):
    """Holds a participant while the test runs. A refusal of the gateway is a failure."""

    abstract = True
    lesson: ClassVar[Class]
    begun: ClassVar[float]
    participant: Participant

    def on_start(self) -> None:
        self.participant = self.make(self.lesson)
        self.attempt("join", self.participant.enter)

    def on_stop(self) -> None:
        self.participant.finish()
        self.lesson.tally.flush()

    def make(self, lesson: Class) -> Participant:
        raise NotImplementedError

    def attempt(self, name: str, action: Any, *arguments: Any, **fields: Any) -> None:
        try:
            action(*arguments, **fields)
        except (OSError, Refused, gevent.Timeout) as error:
            self.lesson.tally.wrong(name, f"{type(error).__name__}: {error}")

    def chat(self) -> None:
        """Type for a while, and send it."""
        self.attempt("typing", self.participant.ask, "typing", on=True)
        gevent.sleep(random.uniform(0.5, 2.0))
        self.attempt("chat.send", self.participant.say)


class Viewer(Person):
    """A student who mostly watches."""

    wait_time = between(5, 15)

    def make(self, lesson: Class) -> Participant:
        return lesson.viewer(max(0, getattr(self.environment.runner, "worker_index", 0)))

    @task(8)
    def watch(self) -> None:
        """Watch the video, and do nothing else."""

    @task(1)
    def write(self) -> None:
        self.chat()

    @task(1)
    def away(self) -> None:
        """Lose the connection, and come back for what was missed."""
        self.participant.leave()
        gevent.sleep(random.uniform(1.0, 4.0))
        self.attempt("return", self.participant.enter)


class Mentor(Person):
    """The mentor, who teaches, writes a few lines a minute, and looks who is there."""

    fixed_count = 1
    wait_time = between(3, 7)

    def make(self, lesson: Class) -> Participant:
        return lesson.mentor()

    @task(3)
    def write(self) -> None:
        self.chat()

    @task(1)
    def look(self) -> None:
        self.attempt("presence", self.participant.ask, "presence", limit=200)


class Probe(FastHttpUser):
    """Asks over REST, four times a second."""

    fixed_count = 1
    wait_time = constant(0.25)
    host = "http://127.0.0.1"

    def on_start(self) -> None:
        self.url = Person.lesson.dev.gateways[0] + verdict.REST
        self.headers = {"Authorization": f"Bearer {Person.lesson.dev.tokens['student']}"}

    @task
    def ready(self) -> None:
        self.client.get(self.url, headers=self.headers, name=verdict.REST)


@events.init_command_line_parser.add_listener
def arguments(parser: LocustArgumentParser) -> None:
    parser.add_argument("--data", default=".ksmp", env_var="CLASSROOM_DATA", help="data folder of a running `ksmp dev`")
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0, help="of lesson, once all are in")
    parser.add_argument("--join-rate", type=float, default=50.0, help="viewers a second")


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    Person.lesson, Person.begun = Class(environment), time.monotonic()
    gevent.spawn(Person.lesson.tally.run)


@events.quitting.add_listener
def judge(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        return
    found = verdict.failures(environment)
    print(verdict.summary(environment))
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Meaningless on a master, whose workers are other processes.
    print(f"this process used {used.ru_utime + used.ru_stime:.0f} s of CPU in {time.monotonic() - Person.begun:.0f} s")
    for sentence in found:
        print(f"FAILED: {sentence}")
    environment.process_exit_code = 1 if found else 0


if __name__ == "__main__":
    # Importing Locust has changed this process for gevent; what starts `ksmp dev` wants a fresh one.
    os.execv(sys.executable, [sys.executable, "-m", "loadtests.lesson", *sys.argv[1:]])
