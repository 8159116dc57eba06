"""The programs module. So far it holds who takes part; catalogue and enrolment come with its routes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.module import Module
from gateway.principal import Principal
from modules.programs.tables import Enrolment, Program

DEMO = "demo"


class ProgramsModule(Module):
    name = "programs"
    requires = ("accounts",)
    tables = (Program, Enrolment)
    migrations = Path(__file__).parent / "migrations"

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        demo = Program(
            id=DEMO,
            title="Demo program",
            mentor_id=people["mentor"].id,
            open_to_all=True,
            created_at=datetime.now(UTC),
        )
        await Program.insert(demo).on_conflict(target=Program.id, action="DO NOTHING")
        return {"program": DEMO}
