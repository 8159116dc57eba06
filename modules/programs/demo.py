"""What `ksmp dev` shows of programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway import clock
from gateway.principal import Principal
from modules.programs.tables import Lesson, Program, Unit

DEMO: Final = "demo"
CURRICULUM: Final = {
    "Before the class": ["Find your way around", "Say hello in the chat"],
    "In the class": ["Ask a question", "Raise your hand", "Answer a poll"],
    "After the class": ["Watch it again"],
}


async def sow(mentor: Principal) -> Mapping[str, str]:
    """An open program with a curriculum; sown again it stays as it was."""
    program = Program(
        id=DEMO,
        title="Demo program",
        summary="A free program that everyone may join, with one class.",
        mentor_id=mentor.id,
        co_mentors=[],
        open_to_all=True,
        state="published",
        price=0,
        created_at=clock.now(),
    )
    await Program.insert(program).on_conflict(target=Program.id, action="DO NOTHING")
    if await Unit.exists().where(Unit.program_id == DEMO):
        return {"program": DEMO}
    for place, (title, lessons) in enumerate(CURRICULUM.items()):
        unit = f"{DEMO}-{place + 1}"
        await Unit.insert(Unit(id=unit, program_id=DEMO, title=title, summary="", position=place, rev=1))
        await Lesson.insert(
            *(
                Lesson(
                    id=f"{unit}-{number + 1}",
                    program_id=DEMO,
                    unit_id=unit,
                    title=lesson,
                    text=f"{lesson}: there is not more to it than that.",
                    position=number,
                    rev=1,
                )
                for number, lesson in enumerate(lessons)
            )
        )
    return {"program": DEMO}
