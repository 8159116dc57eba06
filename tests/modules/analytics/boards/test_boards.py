"""Saved boards: what a widget may ask, who opens and changes a board, and what each reader sees in it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx

from ksmp_testkit import MakeGateway, MakeToken, eventually
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from tests.modules.analytics.boards.school import A, School, opened

BOARDS = f"{A}/boards"
ANY = {"If-Match": "*"}


def widget(measure: str = "attendance", title: str = "Attendance", **question: Any) -> dict[str, Any]:
    return {"title": title, "chart": "number", "question": {"measure": measure, **question}}


async def made(owner: httpx.AsyncClient, *widgets: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await owner.post(BOARDS, json={"title": "Mine", "widgets": list(widgets) or [widget()], **more})
    board: dict[str, Any] = done(answer, 201)
    return board


async def shown(reader: httpx.AsyncClient, board: dict[str, Any]) -> list[Any]:
    """The numerator and denominator of each widget's total, or the code of its error."""
    found = done(await reader.get(f"{BOARDS}/{board['id']}/figures"))
    return [one["error"]["code"] if one["error"] else totals(one["figures"]) for one in found["widgets"]]


def totals(figures: dict[str, Any]) -> list[list[int]]:
    return [[one["numerator"], one["denominator"]] for one in figures["total"]]


async def test_a_board_is_saved_read_changed_and_deleted(school: School) -> None:
    meera = school.meera
    question = {"by": "week", "window": {"kind": "recent", "last": 2, "step": "month"}}
    board = await made(meera, widget(title="Cafe\u0301 ", **question))
    assert (board["rev"], board["widgets"][0]["title"], board["link"]) == (
        1,
        "Café",
        f"/dashboards?board={board['id']}",
    )
    path = f"{BOARDS}/{board['id']}"
    read = await meera.get(path)
    assert (done(read), read.headers["etag"]) == (board, '"1"')
    assert (await meera.get(path, headers={"If-None-Match": '"1"'})).status_code == 304
    assert board["widgets"][0]["question"]["filters"] == {"programs": [], "session": None, "kind": None}

    refused(await meera.patch(path, json={"title": "B"}, headers={"If-Match": '"2"'}), 412, "precondition_failed")
    refused(await meera.patch(path, json={"title": "B"}), 428, "precondition_required")
    changed = done(await meera.patch(path, json={"title": "B"}, headers={"If-Match": '"1"'}))
    assert (changed["title"], changed["rev"], changed["widgets"]) == ("B", 2, board["widgets"])
    changed = done(await meera.patch(path, json={"widgets": []}, headers=ANY))
    assert (changed["title"], changed["widgets"]) == ("B", [])
    assert done(await meera.get(f"{path}/figures"))["widgets"] == []
    assert (await meera.delete(path)).status_code == 204
    refused(await meera.get(path), 404, "not_found")
    refused(await meera.delete(path), 404, "not_found")


async def test_what_a_widget_asks_is_known_before_it_is_saved(school: School) -> None:
    wrong: list[tuple[dict[str, Any], int, str, str]] = [
        (widget("happiness"), 400, "analytics.unknown_measure", "widgets[1].question.measure"),
        (widget(by="kind"), 400, "analytics.no_dimension", "widgets[1].question.by"),
        (widget(filters={"kind": "chat"}), 400, "invalid", "widgets[1].question.filters.kind"),
        (
            widget(window={"kind": "fixed", "from": "2026-04-02", "until": "2026-04-01"}),
            400,
            "invalid",
            "widgets[1].question.window.until",
        ),
        (
            widget(window={"kind": "recent", "last": 1000, "step": "month"}),
            400,
            "invalid",
            "widgets[1].question.window.from",
        ),
    ]
    for bad, status, code, field in wrong:
        answer = await school.meera.post(BOARDS, json={"title": "x", "widgets": [widget(), bad]})
        refused(answer, status, code)
        assert [one["field"] for one in answer.json()["errors"]] == [field]
        refused(await school.meera.post(f"{A}/query", json=bad["question"]), status, code)
    # Nothing of it is text of a statement, and nothing else is read.
    for question in (
        {"measure": "attendance; DROP TABLE analytics_event"},
        {"measure": "attendance", "by": "label) FROM analytics_subject --"},
        {"measure": "attendance", "by": "subject"},
        {"measure": "attendance", "filters": {"programs": ["' OR true --"]}},
        {"measure": "attendance", "filters": {"subject": "x"}},
        {"measure": "attendance", "window": {"kind": "ever"}},
        {"measure": "attendance", "window": {"kind": "recent", "last": 0}},
        {"measure": "attendance", "window": {"kind": "fixed", "from": "yesterday"}},
    ):
        refused(await school.meera.post(f"{A}/query", json=question), 400, "invalid")


async def test_a_question_is_answered_without_a_board(school: School) -> None:
    async def asked(who: httpx.AsyncClient, **question: Any) -> list[list[int]]:
        return totals(done(await who.post(f"{A}/query", json={"measure": "attendance", **question})))

    assert await asked(school.meera) == [[1, 2]]
    assert await asked(school.omar) == [[2, 2]]
    assert await asked(school.ann) == [[2, 2]]
    assert await asked(school.bob) == [[1, 1]]
    assert await asked(school.ann, filters={"programs": [school.q]}) == [[1, 1]]
    assert await asked(school.root, filters={"programs": [school.p, school.q]}) == [[3, 4]]
    assert await asked(school.meera, filters={"session": f"s-{school.q}"}) == [[0, 0]]
    body = {"measure": "attendance", "filters": {"programs": [school.q]}}
    refused(await school.meera.post(f"{A}/query", json=body), 403, "forbidden")
    of_days = {"by": "day", "window": {"kind": "recent", "last": 3}}
    answer = done(await school.meera.post(f"{A}/query", json={"measure": "attendance", **of_days}))
    assert [one["denominator"] for one in answer["figures"]] == [0, 2, 0]
    hindi = done(await school.meera.post(f"{A}/query?lang=hi", json={"measure": "attendance"}))
    assert hindi["measure"]["name"] == "attendance"


async def test_a_shared_board_shows_each_reader_what_they_may_see(school: School) -> None:
    """Its owner's rights are in no part of it: neither in its figures nor in what a filter names."""
    everything = widget()
    of_p = widget(filters={"programs": [school.p]})
    board = await made(
        school.root,
        *(everything, of_p),
        sharing={"roles": ["mentor"], "programs": [school.q], "users": [school.id("ann")]},
    )
    assert await shown(school.meera, board) == [[[1, 2]], [[1, 2]]]
    assert await shown(school.omar, board) == [[[2, 2]], "forbidden"]
    assert await shown(school.ann, board) == [[[2, 2]], [[1, 1]]]
    # A student's own figures, also of a program of others.
    assert await shown(school.bob, board) == [[[1, 1]], [[0, 0]]]
    assert (await shown(school.root, board))[1] == [[1, 2]]
    # One after the other: nothing that was read for one is shown to the next.
    assert await shown(school.omar, board) == [[[2, 2]], "forbidden"]


async def test_an_answer_that_is_used_again_is_for_the_same_rights_alone(school: School) -> None:
    """The gateway keeps answers for longer than this test; each way is asked by one reader after the other."""
    board = await made(school.root, widget(), sharing={"roles": ["mentor", "student"]})
    mine = {"Meera": (school.meera, [[1, 2]]), "Omar": (school.omar, [[2, 2]]), "Ann": (school.ann, [[2, 2]])}
    mine |= {"Bob": (school.bob, [[1, 1]])}
    for _ in range(2):
        for name, (reader, expected) in mine.items():
            assert totals(done(await reader.get(f"{A}/measures/attendance"))) == expected, name
            assert totals(done(await reader.post(f"{A}/query", json={"measure": "attendance"}))) == expected, name
            assert await shown(reader, board) == [expected], name
    # It was used again: nobody sees yet what was stored in the meantime.
    await school.tell(school.attended("dev", "present", school.p))
    assert await shown(school.meera, board) == [[[1, 2]]]
    # Who teaches no more sees nothing of it at once.
    co_mentor = {"co_mentors": [school.id("meera")]}
    path = f"/api/v1/programs/{school.q}"
    done(await school.omar.patch(path, json=co_mentor, headers=ANY))
    assert await shown(school.meera, board) == [[[4, 5]]]
    done(await school.omar.patch(path, json={"co_mentors": []}, headers=ANY))
    assert await shown(school.meera, board) == [[[1, 2]]]


async def test_who_opens_and_who_changes_a_board(school: School) -> None:
    board = await made(school.meera, sharing={"programs": [school.p]})
    path = f"{BOARDS}/{board['id']}"
    assert board["sharing"] == {"roles": [], "programs": [school.p], "users": []}
    assert done(await school.ann.get(path))["sharing"] is None
    for stranger in (school.bob, school.omar, school.root):
        for answer in (
            await stranger.get(path),
            await stranger.get(f"{path}/figures"),
            await stranger.get(f"{A}/exports/boards/{board['id']}"),
            await stranger.patch(path, json={"title": "B"}, headers=ANY),
            await stranger.delete(path),
        ):
            refused(answer, 404, "not_found")
    refused(await school.ann.patch(path, json={"title": "B"}, headers=ANY), 403, "forbidden")
    refused(await school.ann.delete(path), 403, "forbidden")

    async def listed(who: httpx.AsyncClient) -> bool:
        return board["id"] in [one["id"] for one in done(await who.get(BOARDS, params={"limit": 200}))["items"]]

    assert [await listed(who) for who in (school.meera, school.ann, school.bob)] == [True, True, False]
    # The place in the program is what lets her in.
    assert (await school.ann.delete(f"/api/v1/programs/{school.p}/enrolment")).is_success
    refused(await school.ann.get(path), 404, "not_found")
    unshared = done(await school.meera.patch(path, json={"sharing": {}}, headers=ANY))
    assert unshared["sharing"] == {"roles": [], "programs": [], "users": []}


async def test_who_teaches_no_more_tells_its_students_nothing_by_a_board(school: School) -> None:
    program = f"/api/v1/programs/{school.p}"
    done(await school.meera.patch(program, json={"co_mentors": [school.id("omar")]}, headers=ANY))
    board = await made(school.omar, sharing={"programs": [school.p]})
    path = f"{BOARDS}/{board['id']}"
    assert done(await school.omar.patch(path, json={"title": "Algebra"}, headers=ANY))["title"] == "Algebra"
    done(await school.meera.patch(program, json={"co_mentors": []}, headers=ANY))
    for change in ({"title": "Come to my own classes"}, {"widgets": [widget()]}, {"sharing": {"programs": [school.p]}}):
        refused(await school.omar.patch(path, json=change, headers=ANY), 403, "forbidden")
    assert done(await school.ann.get(path))["title"] == "Algebra"
    done(await school.omar.patch(path, json={"title": "Mine", "sharing": {}}, headers=ANY))
    refused(await school.ann.get(path), 404, "not_found")


async def test_with_whom_a_board_may_be_shared(school: School) -> None:
    bodies: list[tuple[httpx.AsyncClient, dict[str, Any], int, str]] = [
        (school.ann, {"users": [school.id("bob")]}, 403, "forbidden"),
        (school.ann, {"roles": ["student"]}, 403, "forbidden"),
        (school.meera, {"roles": ["student"]}, 403, "forbidden"),
        (school.meera, {"programs": [school.q]}, 403, "forbidden"),
        (school.meera, {"users": [school.id("bob")]}, 403, "forbidden"),
        (school.meera, {"users": ["nobody-at-all"]}, 400, "invalid"),
        (school.root, {"programs": ["none"]}, 400, "invalid"),
        (school.root, {"roles": ["teacher"]}, 400, "invalid"),
    ]
    for who, sharing, status, code in bodies:
        refused(await who.post(BOARDS, json={"title": "x", "widgets": [], "sharing": sharing}), status, code)
    sharing = {"users": [school.id("ann")]}
    board = await made(school.meera, sharing=sharing)
    assert await shown(school.ann, board) == [[[2, 2]]]
    # She could not be named anew, and stays when something else is changed.
    assert (await school.ann.delete(f"/api/v1/programs/{school.p}/enrolment")).is_success
    path = f"{BOARDS}/{board['id']}"
    changed = done(await school.meera.patch(path, json={"title": "B", "sharing": sharing}, headers=ANY))
    assert changed["sharing"]["users"] == sharing["users"]
    both = {"users": [school.id("ann"), school.id("bob")]}
    refused(await school.meera.patch(path, json={"sharing": both}, headers=ANY), 403, "forbidden")


async def test_there_are_limits(school: School) -> None:
    answer = await school.meera.post(BOARDS, json={"title": "x", "widgets": [widget()] * 5})
    refused(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == "widgets"
    answers = await asyncio.gather(*(school.meera.post(BOARDS, json={"title": "x", "widgets": []}) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [201] * 3 + [409] * 3
    refused(next(one for one in answers if one.status_code == 409), 409, "analytics.too_many_boards")


async def test_a_widget_that_cannot_be_answered_leaves_the_others(school: School, database: asyncpg.Pool[Any]) -> None:
    board = await made(school.meera, widget(), widget(title="Later"))
    # A measure that was there when the board was saved.
    await database.execute(
        "UPDATE analytics_board SET widgets = jsonb_set(widgets, '{0,question,measure}', '\"gone\"') WHERE id = $1",
        board["id"],
    )
    assert await shown(school.meera, board) == ["analytics.unknown_measure", [[1, 2]]]


async def test_a_statement_that_takes_too_long_leaves_the_other_widgets(
    gateway: MakeGateway, token: MakeToken, database: asyncpg.Pool[Any]
) -> None:
    environ = {"KSMP_ANALYTICS_STATEMENT_SECONDS": "0.5", "KSMP_ANALYTICS_QUERY_RATE_COUNT": "30"}
    async with gateway(environ=environ) as running, clients_of(running, token) as clients:
        one = await opened(running, clients.rest)
        await one.tell(one.attended("ann", "present", one.p))
        board = await made(one.meera, widget("learners"), widget())
        async with database.acquire() as connection, connection.transaction():
            # Whoever reads it waits.
            await connection.execute("LOCK TABLE analytics_learner_day IN ACCESS EXCLUSIVE MODE")

            async def the_other_is_there() -> bool:
                return await shown(one.meera, board) == ["analytics.too_slow", [[1, 1]]]

            await eventually(the_other_is_there, "one widget is too slow, and the other is answered")
            refused(await one.meera.post(f"{A}/query", json={"measure": "learners"}), 400, "analytics.too_slow")
        assert len(await shown(one.meera, board)) == 2


async def test_a_board_has_an_end(gateway: MakeGateway, token: MakeToken) -> None:
    environ = {"KSMP_ANALYTICS_BOARD_SECONDS": "0.000001", "KSMP_ANALYTICS_QUERY_RATE_COUNT": "30"}
    async with gateway(environ=environ) as running, clients_of(running, token) as clients:
        one = await opened(running, clients.rest)
        board = await made(one.meera, widget(), widget("learners"))
        assert await shown(one.meera, board) == ["analytics.too_slow"] * 2
        questions = [await one.ann.post(f"{A}/query", json={"measure": "attendance"}) for _ in range(32)]
        refused(questions[-1], 429, "rate_limited")
        # Of each user by themselves.
        assert (await one.bob.post(f"{A}/query", json={"measure": "attendance"})).status_code == 200


async def test_titles_pass_the_filters(school: School) -> None:
    for body, field in (
        ({"title": "what the fuck", "widgets": []}, "title"),
        ({"title": "x", "widgets": [widget(), widget(title="what the fuck")]}, "widgets[1].title"),
    ):
        answer = await school.meera.post(BOARDS, json=body)
        refused(answer, 400, "chat.refused")
        assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_a_user_who_is_deleted_leaves_no_board(school: School, database: Any) -> None:
    mine = await made(school.ann)
    shared = await made(school.meera, sharing={"users": [school.id("ann")]})
    held = done(await school.ann.get("/api/v1/users/me/export"))["modules"]["analytics"]
    assert [one["id"] for one in held["boards"]] == [mine["id"]]
    assert [one["id"] for one in held["shared_boards"]] == [shared["id"]]
    assert (await school.ann.delete("/api/v1/users/me")).is_success
    assert await database.fetchval("SELECT count(*) FROM analytics_board WHERE id = $1", mine["id"]) == 0
    users = await database.fetchval("SELECT users FROM analytics_board WHERE id = $1", shared["id"])
    assert users == []
