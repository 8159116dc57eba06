"""What live holds on a user, and what becomes of it when they are deleted."""

from __future__ import annotations

from typing import Any, Final

from gateway.principal import FORGOTTEN
from modules.live.tables import Session

# Each takes the user's id once.
HELD: Final = {
    "taught": """
        SELECT live_session.id, title, starts_at FROM live_session, (SELECT {}::text AS id) AS who
        WHERE mentor_id = who.id OR co_mentors @> ARRAY[who.id] ORDER BY starts_at
    """,
    "promotions": "SELECT session_id, role FROM live_promotion WHERE user_id = {} ORDER BY session_id",
    "stage": """
        SELECT session_id, role, kind, expires_at FROM live_participant WHERE user_id = {} ORDER BY expires_at, id
    """,
    "hands": "SELECT session_id, state, raised_at FROM live_hand WHERE user_id = {} ORDER BY raised_at",
    "questions": """
        SELECT session_id, text, anonymous, state, answer, asked_at FROM live_question
        WHERE author_id = {} ORDER BY asked_at, id
    """,
    "upvotes": "SELECT question_id FROM live_upvote WHERE user_id = {} ORDER BY question_id",
    "attendance": """
        SELECT session_id, first_at, last_at, seconds, visits, late, early, present FROM live_attendance
        WHERE user_id = {} ORDER BY session_id
    """,
    "stars": "SELECT session_id, stars, comment, given_at FROM live_star WHERE user_id = {} ORDER BY given_at",
    # Votes of anonymous polls are nobody's.
    "votes": "SELECT poll_id, options FROM live_vote WHERE voter = {} ORDER BY poll_id",
    "consents": "SELECT session_id, agreed, at FROM live_consent WHERE user_id = {} ORDER BY at",
    "bans": "SELECT session_id, scope, reason, until FROM live_ban WHERE user_id = {} ORDER BY session_id, scope",
    "moderation": "SELECT session_id, action, detail, reason, at FROM live_moderation WHERE user_id = {} ORDER BY at",
}
# Whoever changes these lists locks their parts first, and then rows in any order: so does a deletion, part by part.
PARTS: Final = """
    SELECT live_part.session_id FROM live_part, (SELECT {}::text AS id) AS who
    WHERE part = 'bans' AND session_id IN (SELECT session_id FROM live_ban WHERE by_id = who.id)
    OR part = 'consents' AND session_id IN (SELECT session_id FROM live_consent WHERE user_id = who.id)
    OR part = 'hands' AND session_id IN (SELECT session_id FROM live_hand WHERE user_id = who.id)
    OR part = 'questions' AND session_id IN (SELECT session_id FROM live_question WHERE author_id = who.id)
    ORDER BY session_id, part FOR UPDATE OF live_part
"""
# Each takes the user's id once, and says in which sessions' rooms they may be named.
GONE: Final = (
    "DELETE FROM live_promotion WHERE user_id = {} RETURNING session_id",
    "DELETE FROM live_guest WHERE user_id = {} RETURNING session_id",
    "DELETE FROM live_away WHERE user_id = {} RETURNING session_id",
    "UPDATE live_star SET comment = '' WHERE user_id = {} RETURNING session_id",
)
# These are named nowhere. With a calendar goes its address; a participant's row goes when they have left the stage.
UNTOLD: Final = (
    "DELETE FROM live_seat WHERE user_id = {}",
    "DELETE FROM live_calendar WHERE user_id = {}",
    "UPDATE live_participant SET leaving_at = now() WHERE user_id = {} AND leaving_at IS NULL",
)
# What belongs to a class's record stays, without the name.
NAMELESS: Final = (
    "UPDATE live_hand SET name = {} WHERE user_id = {} RETURNING session_id",
    "UPDATE live_stay SET name = {} WHERE user_id = {} RETURNING session_id",
    "UPDATE live_consent SET name = {} WHERE user_id = {} RETURNING session_id",
    "UPDATE live_attendance SET name = {} WHERE user_id = {} RETURNING session_id",
    "UPDATE live_question SET author_name = {} WHERE author_id = {} RETURNING session_id",
    # A ban holds whoever said it; what was done is the audit's.
    "UPDATE live_ban SET by_name = {} WHERE by_id = {} RETURNING session_id",
    "UPDATE live_moderation SET by_name = {} WHERE by_id = {} RETURNING session_id",
)


async def held(user: str) -> dict[str, Any]:
    found = {what: await Session.raw(statement, user) for what, statement in HELD.items()}
    return {what: rows for what, rows in found.items() if rows}


async def forget(user: str) -> set[str]:
    """The rooms whose pushes name the user, besides as their author."""
    await Session.raw(PARTS, user)
    for statement in UNTOLD:
        await Session.raw(statement, user)
    rows = [row for statement in GONE for row in await Session.raw(statement, user)]
    rows += [row for statement in NAMELESS for row in await Session.raw(statement, FORGOTTEN, user)]
    return {f"{kind}:{row['session_id']}" for row in rows for kind in ("session", "staff")}
