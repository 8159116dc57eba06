"""The project: its keys, its events, and what people's data are to be deleted."""

from __future__ import annotations

import base64
import binascii
import hmac
import uuid
from typing import Final, Literal

import msgspec

from devcloud.document import Document

ID: Final = "1000001"
TOKEN: Final = "ksmp-dev-project-token"  # noqa: S105
USER: Final = "ksmp-dev.service.mp-service-account"
SECRET: Final = "ksmp-dev-service-secret"  # noqa: S105
DELETION_TOKEN: Final = "ksmp-dev-deletion-token"  # noqa: S105

Outcome = Literal["SUCCESS", "FAILURE", "PENDING", "NOT_FOUND"]
# Two events that are the same in all of these are one.
Key = tuple[str, str, int, str]


class DeletionTask(msgspec.Struct, kw_only=True):
    """A deletion that was asked for. `asked` is how often its state was."""

    task_id: str
    distinct_ids: list[str]
    compliance_type: str
    status: str = "PENDING"
    asked: int = 0


class Project:
    """One project. What was imported twice is there once, as Mixpanel shows it."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.events: dict[Key, Document] = {}
        # How often each of them came.
        self.came: dict[Key, int] = {}
        self.tasks: dict[str, DeletionTask] = {}
        # What becomes of deletions: at the second time that somebody asks for their state.
        self.outcome: Outcome = "SUCCESS"
        # Names of events that the project refuses, as one with a strict schema does.
        self.refused: set[str] = set()

    def may_import(self, authorization: str, project_id: str) -> bool:
        """A service account names the project; the project's token is enough by itself."""
        scheme, _, credentials = authorization.partition(" ")
        try:
            given = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, ValueError):
            return False
        if scheme.lower() != "basic":
            return False
        account = hmac.compare_digest(given.encode(), f"{USER}:{SECRET}".encode())
        return given == f"{TOKEN}:" or (account and project_id == ID)

    def may_delete(self, authorization: str, token: str) -> bool:
        return authorization == f"Bearer {DELETION_TOKEN}" and token == TOKEN

    def keep(self, record: Document) -> None:
        """Keep a record that is valid."""
        properties = record["properties"]
        key = (record["event"], properties["distinct_id"], properties["time"], properties["$insert_id"])
        self.events[key] = record
        self.came[key] = self.came.get(key, 0) + 1

    def delete(self, distinct_ids: list[str], compliance_type: str) -> DeletionTask:
        task = DeletionTask(
            task_id=str(uuid.uuid4().int)[:19], distinct_ids=distinct_ids, compliance_type=compliance_type
        )
        self.tasks[task.task_id] = task
        return task

    def look(self, task_id: str) -> DeletionTask | None:
        """A task, which goes on each time that somebody looks."""
        task = self.tasks.get(task_id)
        if task is None or self.outcome == "NOT_FOUND":
            return None
        task.asked += 1
        if task.asked == 1 or self.outcome == "PENDING":
            task.status = "STARTED" if task.asked > 1 else "PENDING"
        elif task.status not in ("SUCCESS", "FAILURE"):
            task.status = self.outcome
            if task.status == "SUCCESS":
                self._remove(set(task.distinct_ids))
        return task

    def _remove(self, distinct_ids: set[str]) -> None:
        for key in [key for key in self.events if key[1] in distinct_ids]:
            del self.events[key], self.came[key]
