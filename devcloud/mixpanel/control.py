"""Endpoints that drive the stand-in for Mixpanel: JSON under `/_devcloud/mixpanel/`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from devcloud.document import Document
from devcloud.mixpanel import answers
from devcloud.mixpanel.answers import MixpanelFault
from devcloud.mixpanel.project import Outcome, Project
from devcloud.wire import Request, Response

PREFIX: Final = "/_devcloud/mixpanel/"


class Faults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What happens to `/import`, and to requests for deletions."""

    imports: MixpanelFault = msgspec.field(default_factory=MixpanelFault)
    deletions: MixpanelFault = msgspec.field(default_factory=MixpanelFault)


class Behaviour(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What becomes of deletions, and the names of events that the project refuses."""

    outcome: Outcome = "SUCCESS"
    refused: list[str] = []


class MixpanelControl:
    """The endpoints by method and path. `faults` are those that are on."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.faults = Faults()
        # The statuses that `/import` answered.
        self.statuses: dict[str, int] = {}
        self._routes: dict[tuple[str, str], Callable[[Request], Document]] = {
            ("GET", "events"): self._events,
            ("GET", "deletions"): self._deletions,
            ("GET", "traffic"): lambda _: dict(self.statuses),
            ("PUT", "faults"): self._set_faults,
            ("PUT", "behaviour"): self._set_behaviour,
            ("DELETE", "state"): self._clear,
        }

    def answer(self, request: Request) -> Response:
        """The answer to a request below `PREFIX`."""
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return answers.document({"message": f"{request.method} {request.path} is nothing"}, 404)
        try:
            return answers.document(route(request))
        except msgspec.DecodeError as error:
            return answers.document({"code": "ValidationException", "message": str(error)}, 400)

    def _events(self, request: Request) -> Document:
        name = request.parameters.get("event", [""])[0]
        person = request.parameters.get("distinct_id", [""])[0]
        project = self._project
        found = [
            {**record, "came": project.came[key]}
            for key, record in project.events.items()
            if (not name or key[0] == name) and (not person or key[1] == person)
        ]
        return {"events": found}

    def _deletions(self, request: Request) -> Document:
        return {"deletions": [msgspec.to_builtins(task) for task in self._project.tasks.values()]}

    def _set_faults(self, request: Request) -> Document:
        self.faults = msgspec.json.decode(request.body, type=Faults)
        return {}

    def _set_behaviour(self, request: Request) -> Document:
        behaviour = msgspec.json.decode(request.body, type=Behaviour)
        self._project.outcome, self._project.refused = behaviour.outcome, set(behaviour.refused)
        return {}

    def _clear(self, request: Request) -> Document:
        self._project.clear()
        self.faults, self.statuses = Faults(), {}
        return {}
