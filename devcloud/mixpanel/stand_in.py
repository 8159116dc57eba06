"""The stand-in for Mixpanel as a whole: the import of events and the deletion of people's data, below `/mixpanel/`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from devcloud.mixpanel import answers, deletions, imports
from devcloud.mixpanel.answers import MixpanelFault
from devcloud.mixpanel.control import PREFIX as CONTROL
from devcloud.mixpanel.control import MixpanelControl
from devcloud.mixpanel.project import Project
from devcloud.wire import Request, Response

PREFIX: Final = "/mixpanel/"
IMPORT: Final = f"{PREFIX}import"


class MixpanelStandIn:
    """Answers below `/mixpanel/` and `/_devcloud/mixpanel/`. It keeps nothing over a restart."""

    def __init__(self) -> None:
        self._project = Project()
        self._control = MixpanelControl(self._project)

    def speaks(self, request: Request) -> bool:
        """Whether a request is for it."""
        return request.path.startswith((PREFIX, CONTROL))

    async def answer(self, request: Request) -> Response:
        """The answer to a request that it speaks."""
        if request.path.startswith(CONTROL):
            return self._control.answer(request)
        if request.path == IMPORT and request.method == "POST":
            response = await _with(self._control.faults.imports, lambda: imports.answer(self._project, request))
            status, statuses = "cut" if response.cut else str(response.status), self._control.statuses
            statuses[status] = statuses.get(status, 0) + 1
            return response
        if request.path.startswith(deletions.PATH):
            return await _with(self._control.faults.deletions, lambda: deletions.answer(self._project, request))
        return answers.error(404, "Not Found")


async def _with(fault: MixpanelFault, answer: Callable[[], Response]) -> Response:
    """An answer, or what a fault makes of it."""
    name, hang = fault.fault, fault.hang
    # What Mixpanel does is done before it hangs.
    done = answer() if not name or fault.accepted else None
    response = done if done is not None and not name else answers.failed(fault)
    if fault.times == 1:
        fault.fault, fault.hang = "", 0.0
    fault.times = max(fault.times - 1, 0)
    if hang:
        await asyncio.sleep(hang)
    return response
