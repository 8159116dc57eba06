"""The deletion of people's data, version 3: a task is made, and its state is asked for."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from devcloud.mixpanel import answers
from devcloud.mixpanel.project import Project
from devcloud.wire import Request, Response

PATH: Final = "/mixpanel/api/app/data-deletions/v3.0/"


class DeletionRequest(msgspec.Struct):
    distinct_ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=2000)]
    compliance_type: Literal["GDPR", "CCPA"] = "GDPR"


def answer(project: Project, request: Request) -> Response:
    """The answer to what is asked below `PATH`."""
    token = request.parameters.get("token", [""])[0]
    if not project.may_delete(request.header("authorization"), token):
        return _refused(401, "unauthorized")
    task_id = request.path.removeprefix(PATH).strip("/")
    if request.method == "POST" and not task_id:
        try:
            asked = msgspec.json.decode(request.body, type=DeletionRequest)
        except msgspec.DecodeError as error:
            return _refused(400, str(error))
        task = project.delete(asked.distinct_ids, asked.compliance_type)
        return answers.document({"status": "ok", "results": {"task_id": task.task_id}})
    if request.method == "GET" and task_id:
        found = project.look(task_id)
        if found is None:
            return answers.document({"status": "ok", "results": {"status": "NOT_FOUND", "distinct_ids": []}})
        results = {"status": found.status, "distinct_ids": found.distinct_ids}
        return answers.document({"status": "ok", "results": results})
    return _refused(404, "not found")


def _refused(status: int, text: str) -> Response:
    return answers.document({"status": "error", "error": text}, status)
