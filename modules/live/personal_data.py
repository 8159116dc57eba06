"""A user's personal data in live: what an export shows, and what a deletion removes."""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Database
from gateway.principal import FORGOTTEN
from modules.live.rooms import session_room, staff_room

# What an export shows, by its names there. `$1` is the user's id in every statement of this file.
HELD: Final = {
    "taught": """
        SELECT id, title, starts_at FROM live_session
        WHERE mentor_id = $1 OR co_mentors @> ARRAY[$1]::text[] ORDER BY starts_at
    """,
    "promotions": "SELECT session_id, role FROM live_promotion WHERE user_id = $1 ORDER BY session_id",
    "stage": """
        SELECT session_id, role, kind, expires_at FROM live_participant WHERE user_id = $1 ORDER BY expires_at, id
    """,
    "hands": "SELECT session_id, state, raised_at FROM live_hand WHERE user_id = $1 ORDER BY raised_at",
    "questions": """
        SELECT session_id, text, anonymous, state, answer, asked_at FROM live_question
        WHERE author_id = $1 ORDER BY asked_at, id
    """,
    "upvotes": "SELECT question_id FROM live_upvote WHERE user_id = $1 ORDER BY question_id",
    "attendance": """
        SELECT session_id, first_at, last_at, seconds, visits, late, early, present FROM live_attendance
        WHERE user_id = $1 ORDER BY session_id
    """,
    "stars": "SELECT session_id, stars, comment, given_at FROM live_star WHERE user_id = $1 ORDER BY given_at",
    # Votes of anonymous polls are nobody's.
    "votes": "SELECT poll_id, options FROM live_vote WHERE voter = $1 ORDER BY poll_id",
    "consents": "SELECT session_id, agreed, at FROM live_consent WHERE user_id = $1 ORDER BY at",
    "bans": "SELECT session_id, scope, reason, until FROM live_ban WHERE user_id = $1 ORDER BY session_id, scope",
    "moderation": "SELECT session_id, action, detail, reason, at FROM live_moderation WHERE user_id = $1 ORDER BY at",
}
# Everything that changes one of these lists locks its part first, and then its rows in any order. So does a deletion.
LOCK_PARTS: Final = """
    SELECT session_id FROM live_part
    WHERE part = 'bans' AND session_id IN (SELECT session_id FROM live_ban WHERE by_id = $1)
    OR part = 'consents' AND session_id IN (SELECT session_id FROM live_consent WHERE user_id = $1)
    OR part = 'hands' AND session_id IN (SELECT session_id FROM live_hand WHERE user_id = $1)
    OR part = 'questions' AND session_id IN (SELECT session_id FROM live_question WHERE author_id = $1)
    ORDER BY session_id, part FOR UPDATE
"""
# Each returns the sessions in whose rooms the user may be named.
REMOVE_NAMED: Final = (
    "DELETE FROM live_promotion WHERE user_id = $1 RETURNING session_id",
    "DELETE FROM live_guest WHERE user_id = $1 RETURNING session_id",
    "DELETE FROM live_away WHERE user_id = $1 RETURNING session_id",
    "UPDATE live_star SET comment = '' WHERE user_id = $1 RETURNING session_id",
)
# No room names the user for these. A calendar's address ends with its row. A participant's row goes when they have left
# the stage.
REMOVE_UNNAMED: Final = (
    "DELETE FROM live_seat WHERE user_id = $1",
    "DELETE FROM live_calendar WHERE user_id = $1",
    "UPDATE live_participant SET leaving_at = now() WHERE user_id = $1 AND leaving_at IS NULL",
)
# These rows belong to the record of a class. They stay, and `$2` takes the place of the user's name.
REPLACE_NAME: Final = (
    "UPDATE live_hand SET name = $2 WHERE user_id = $1 RETURNING session_id",
    "UPDATE live_stay SET name = $2 WHERE user_id = $1 RETURNING session_id",
    "UPDATE live_consent SET name = $2 WHERE user_id = $1 RETURNING session_id",
    "UPDATE live_attendance SET name = $2 WHERE user_id = $1 RETURNING session_id",
    "UPDATE live_question SET author_name = $2 WHERE author_id = $1 RETURNING session_id",
    # A ban stays in force when the host who made it is deleted.
    "UPDATE live_ban SET by_name = $2 WHERE by_id = $1 RETURNING session_id",
    "UPDATE live_moderation SET by_name = $2 WHERE by_id = $1 RETURNING session_id",
)


async def held(database: Database, user: str) -> dict[str, Any]:
    """What live holds on the user, by name; without what there is none of. Raises Unavailable."""
    found = {name: [dict(row) for row in await database.fetch(statement, user)] for name, statement in HELD.items()}
    return {name: rows for name, rows in found.items() if rows}


async def forget(database: Database, user: str) -> set[str]:
    """Remove the user, inside a transaction; raises Unavailable.

    Returns the rooms whose pushes may name the user otherwise than as their author.
    """
    await database.fetch(LOCK_PARTS, user)
    for statement in REMOVE_UNNAMED:
        await database.fetch(statement, user)
    rows = [row for statement in REMOVE_NAMED for row in await database.fetch(statement, user)]
    rows += [row for statement in REPLACE_NAME for row in await database.fetch(statement, user, FORGOTTEN)]
    return {room(row["session_id"]) for row in rows for room in (session_room, staff_room)}
