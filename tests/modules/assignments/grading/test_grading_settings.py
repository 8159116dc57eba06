"""The settings of grading, each at a value at which it shows."""

from __future__ import annotations

from ksmp_testkit import MakeGateway, MakeToken
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from tests.modules.assignments.classroom import ASSIGNMENTS
from tests.modules.assignments.grading.marking import class_of
from tests.modules.programs.programs import ANY

ENVIRON = {
    "KSMP_ASSIGNMENTS_CRITERIA": "1",
    "KSMP_ASSIGNMENTS_COMMENTS": "1",
    "KSMP_ASSIGNMENTS_REGRADES": "1",
    "KSMP_ASSIGNMENTS_MARKING_SECONDS": "0.001",
}


async def test_limits_are_settings(gateway: MakeGateway, token: MakeToken) -> None:
    async with gateway(environ=ENVIRON) as running, clients_of(running, token) as clients:
        lesson = await class_of(clients.rest, students=2, release="at_once")
        marker = lesson.marker
        # A submission is one marker's for a millisecond.
        taken = [await one.next() for one in (marker, await lesson.co_mentor(clients.rest))]
        assert taken[0]["grade"]["submission_id"] == taken[1]["grade"]["submission_id"]
        criterion = {"title": "Proof", "levels": [{"title": "Best", "points": 1}]}
        rubric = {"criteria": [criterion, criterion]}
        refused(await marker.rest.put(f"{marker.path}/rubric", json=rubric, headers=ANY), 413, "too_large")
        comment = {"program_id": lesson.room.program, "text": "Well done"}
        done(await marker.rest.post(f"{ASSIGNMENTS}/comments", json=comment), 201)
        refused(await marker.rest.post(f"{ASSIGNMENTS}/comments", json=comment), 409, "conflict")
        await marker.final(lesson.receipts[0], "5")
        path, ask = f"{marker.path}/regrades", {"reason": "Look again"}
        asked = done(await lesson.works[0].rest.post(path, json=ask), 201)
        no = {"accept": False}
        done(await marker.rest.post(f"{path}/{asked['id']}/answer", json=no, headers=ANY))
        refused(await lesson.works[0].rest.post(path, json=ask), 409, "conflict")
