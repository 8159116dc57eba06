"""The catalogue's search: words of any script, beside whatever punctuation, in a database of any LC_CTYPE."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from gateway import registry
from gateway.db.migrate import MigrationError, migrate, warning
from gateway.doctor import Wrong, check_postgres
from gateway.settings import Settings
from ksmp_testkit import Caller

TITLES = {
    "Beginner’s chess": ("beginner", "chess", "BEGINNER’S"),
    "“Sets” — naïve…": ("sets", "naive", "NAÏVE"),
    "गणित की कक्षा।": ("गणित", "कक्षा"),
    "algebra😀fun": ("algebra", "fun"),
    "Cafe\u0301 société": ("café", "cafe", "societe"),
    "क्\u200dषत्रिय": ("क्षत्रिय", "क्\u200dषत्रिय"),
    "step-by-step": ("step",),
    "कक्षा-१०": ("१०", "कक्षा"),
}


async def test_a_word_is_found_beside_any_punctuation(caller: Caller) -> None:
    mentor = caller("searcher", "mentor")
    tag = uuid.uuid4().hex
    for title, words in TITLES.items():
        made = (await mentor.post("/api/v1/programs", json={"title": f"{tag} {title}"})).json()
        published = await mentor.post(f"/api/v1/programs/{made['id']}/publish", headers={"If-Match": "*"})
        assert published.status_code == 200
        for word in words:
            found = (await mentor.get("/api/v1/programs", params={"q": f"{tag} {word}"})).json()["items"]
            assert made["id"] in [one["id"] for one in found], (title, word)


async def test_a_user_is_found_however_their_name_is_composed(caller: Caller) -> None:
    tag = uuid.uuid4().hex[:8]
    await caller(tag).patch("/api/v1/users/me", json={"name": f"Jose\u0301 {tag}"}, headers={"If-Match": "*"})
    for q in (f"José {tag}", f"JOSE\u0301 {tag}", f"jo\u200bsé {tag}"):
        found = (await caller("root", "admin").get("/api/v1/users", params={"q": q})).json()["items"]
        assert [one["id"] for one in found] == [tag], q


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
async def test_the_search_does_not_depend_on_the_database_s_locale(postgres: str, locale: str) -> None:
    name = f"letters_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER libc LOCALE '{locale}'")
    try:
        url = postgres.rpartition("/")[0] + f"/{name}"
        await migrate(url, registry.load())
        told = await warning(url)
        settings = Settings(database_url=url, nats_url=("",), issuer="", jwks_url="https://x", client_ids=("",))
        assert ("LC_CTYPE" in await check_postgres(settings)) is (told is not None) is (locale == "C")
        there = await asyncpg.connect(url)
        await there.execute("INSERT INTO program (id, title, mentor_id) VALUES ('p', 'Beginner’s naïve गणित।', 'm')")
        for word in ("beginner", "naive", "गणित"):
            query = "SELECT id FROM program WHERE search @@ websearch_to_tsquery('english', program_words($1))"
            assert await there.fetchval(query, word) == "p", word
        await there.close()
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def test_a_database_that_is_not_in_utf_8_is_refused(postgres: str) -> None:
    name = f"latin_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
    )
    try:
        url = postgres.rpartition("/")[0] + f"/{name}"
        with pytest.raises(MigrationError, match="LATIN1"):
            await migrate(url, registry.load())
        with pytest.raises(Wrong, match="LATIN1"):
            await check_postgres(
                Settings(database_url=url, nats_url=("",), issuer="", jwks_url="https://x", client_ids=("",))
            )
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()
