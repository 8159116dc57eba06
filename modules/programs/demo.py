"""What `ksmp dev` shows of programs."""

from __future__ import annotations

from typing import Final

from gateway.contract import Database
from modules.programs.curriculum_repository import CurriculumRepository
from modules.programs.item_messages import ItemKind
from modules.programs.lesson_item_repository import ItemRow, LessonItemRepository
from modules.programs.messages import LessonView, UnitView

DEMO: Final = "demo"
CURRICULUM: Final = {
    "Before the class": ["Find your way around", "Say hello in the chat"],
    "In the class": ["Ask a question", "Raise your hand", "Answer a poll"],
    "After the class": ["Watch it again"],
}
# Of the first lesson.
ITEMS: Final = (
    (ItemKind.TEXT, "What you need", "A browser. A microphone only if you want to speak."),
    (ItemKind.LINK, "How a class is run", "https://en.wikipedia.org/wiki/Flipped_classroom"),
)
PAID: Final = "demo-paid"
CREATE_PAID: Final = """
    INSERT INTO program (id, title, summary, mentor_id, state, price, currency)
    VALUES ($1, 'Demo program to buy', 'It costs money, which nobody really pays here.', $2, 'published', 49900, 'INR')
    ON CONFLICT (id) DO NOTHING
"""
CREATE: Final = """
    INSERT INTO program (id, title, summary, mentor_id, open_to_all, state)
    VALUES ($1, 'Demo program', 'A free program that everyone may join, with one class.', $2, true, 'published')
    ON CONFLICT (id) DO NOTHING
"""


# Some of the students whom the accounts of the demo have: they have bought `PAID`.
STUDENTS: Final = tuple(f"demo-student-{number:02}" for number in range(13, 28))
ENROL: Final = """
    INSERT INTO program_enrolment (program_id, user_id) SELECT $1, unnest($2::text[])
    ON CONFLICT (program_id, user_id) DO NOTHING
"""


async def seed(database: Database, mentor: str) -> str:
    """Create an open program with a curriculum, and return its id; done again it changes nothing.

    `PAID` is another one, which costs 499 rupees.
    """
    rows = CurriculumRepository(database)
    await database.fetch(CREATE, DEMO, mentor)
    await database.fetch(CREATE_PAID, PAID, mentor)
    if await rows.count_units(DEMO):
        return DEMO
    await database.fetch(ENROL, PAID, STUDENTS)
    for place, (title, lessons) in enumerate(CURRICULUM.items()):
        unit = f"{DEMO}-{place + 1}"
        await rows.add_unit(DEMO, UnitView(unit, title, "", 1))
        for number, lesson in enumerate(lessons):
            text = f"{lesson}: there is not more to it than that."
            await rows.add_lesson(LessonView(f"{unit}-{number + 1}", DEMO, unit, lesson, text, 1))
    items = LessonItemRepository(database)
    for number, (kind, title, content) in enumerate(ITEMS):
        await items.add(ItemRow(f"{DEMO}-item-{number + 1}", f"{DEMO}-1-1", kind, title, content, 1))
    return DEMO
