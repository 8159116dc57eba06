"""Students ask that a grade be looked at again."""

from __future__ import annotations

from ksmp_testkit import Caller, Clients
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.grading.marking import class_of
from tests.modules.programs.programs import ANY, user

ASK = {"reason": "The second step follows from lesson 3"}


async def test_a_regrade_leads_to_another_version(caller: Caller, clients: Clients) -> None:
    lesson = await class_of(caller)
    (work,), (receipt,) = lesson.works, lesson.receipts
    path = f"{lesson.marker.path}/regrades"
    await lesson.marker.final(receipt, "7")
    # A final grade that is not released is answered as none.
    refused(await work.rest.post(path, json=ASK), 409, "assignments.not_released")
    await lesson.marker.release()
    socket = await clients.socket(work.user)
    regrade = done(await work.rest.post(path, json=ASK), 201)
    assert (regrade["state"], regrade["rev"]) == ("open", 1)
    refused(await work.rest.post(path, json=ASK), 409, "conflict")
    assert [one["id"] for one in done(await work.rest.get(path))["items"]] == [regrade["id"]]
    (listed,) = done(await lesson.marker.rest.get(path))["items"]
    assert listed["label"].casefold() == work.user
    answer = f"{path}/{regrade['id']}/answer"
    yes = {"accept": True, "answer": "You are right"}
    refused(await work.rest.post(answer, json=yes, headers=ANY), 403, "forbidden")
    refused(await lesson.marker.rest.post(answer, json=yes, headers={"If-Match": '"7"'}), 412, "precondition_failed")
    accepted = done(await lesson.marker.rest.post(answer, json=yes, headers={"If-Match": '"1"'}))
    assert (accepted["state"], accepted["answer"]) == ("accepted", "You are right")
    refused(await lesson.marker.rest.post(answer, json=yes, headers=ANY), 409, "conflict")
    for state in ("open", "accepted"):
        push = await socket.expect_push("assignments.regrade", f"user:{work.user}")
        assert push["data"]["state"] == state
    # It is a draft again, to be marked, and the student sees the old version until the new one is released.
    assert (await lesson.marker.next())["grade"]["submission_id"] == receipt["submission_id"]
    assert (await work.attempt(1))["grade"]["score"] == "7.00"
    await lesson.marker.final(receipt, "8")
    assert (await work.attempt(1))["grade"]["score"] == "7.00"
    await lesson.marker.release()
    assert (await work.attempt(1))["grade"]["score"] == "8.00"


async def test_a_regrade_is_of_one_s_own_work(caller: Caller) -> None:
    lesson = await class_of(caller, students=2, release="at_once")
    ann, bob = lesson.works
    path = f"{lesson.marker.path}/regrades"
    await lesson.marker.final(lesson.receipts[0], "7")
    refused(await bob.rest.post(path, json=ASK), 409, "assignments.not_released")
    done(await ann.rest.post(path, json=ASK), 201)
    assert done(await bob.rest.get(path))["items"] == []
    refused(await caller(user()).get(path), 404, "not_found")
    refused(await caller(user()).post(path, json=ASK), 404, "not_found")
    refused(await ann.rest.post(path, json={"reason": "\u200b"}), 400, "invalid")
    refused(await lesson.marker.rest.post(f"{path}/other/answer", json={"accept": True}, headers=ANY), 404, "not_found")
