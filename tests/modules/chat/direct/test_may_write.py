"""Who may write to whom, as the settings say; without a gateway."""

from __future__ import annotations

import pytest

from gateway.principal import Role
from gateway.settings import read
from modules.chat.direct.may_write import Relation, allows
from modules.chat.settings import ChatSettings
from modules.programs.facade import Shared

SETTINGS = ChatSettings()
NOTHING = Shared(teaches=False, taught=False, classmates=False)
TEACHES = Shared(teaches=True, taught=False, classmates=False)
TAUGHT = Shared(teaches=False, taught=True, classmates=False)
CLASSMATES = Shared(teaches=False, taught=False, classmates=True)
STUDENT, MENTOR, ADMIN = Role.STUDENT, Role.MENTOR, Role.ADMIN
NO_STUDENTS = read(ChatSettings, {"KSMP_CHAT_DIRECT_STUDENT_MENTOR": "false"}, prefix="KSMP_CHAT_")
NO_MENTORS = read(ChatSettings, {"KSMP_CHAT_DIRECT_MENTORS": "false"}, prefix="KSMP_CHAT_")
CLASS = read(ChatSettings, {"KSMP_CHAT_DIRECT_STUDENTS": "true"}, prefix="KSMP_CHAT_")


@pytest.mark.parametrize(
    ("settings", "role", "other", "shared", "allowed"),
    [
        (SETTINGS, STUDENT, MENTOR, TAUGHT, True),
        (SETTINGS, MENTOR, STUDENT, TEACHES, True),
        (SETTINGS, STUDENT, MENTOR, NOTHING, False),
        (SETTINGS, MENTOR, STUDENT, NOTHING, False),
        # Named as a mentor, and a student now.
        (SETTINGS, STUDENT, STUDENT, TEACHES, False),
        (SETTINGS, STUDENT, STUDENT, TAUGHT, False),
        (NO_STUDENTS, STUDENT, MENTOR, TAUGHT, False),
        (NO_STUDENTS, MENTOR, STUDENT, TEACHES, False),
        (SETTINGS, MENTOR, MENTOR, NOTHING, True),
        (SETTINGS, MENTOR, ADMIN, NOTHING, True),
        (NO_MENTORS, MENTOR, MENTOR, NOTHING, False),
        # One takes part in a program of the other.
        (NO_MENTORS, MENTOR, MENTOR, TAUGHT, True),
        (SETTINGS, STUDENT, STUDENT, CLASSMATES, False),
        (CLASS, STUDENT, STUDENT, CLASSMATES, True),
        (CLASS, STUDENT, STUDENT, NOTHING, False),
        (SETTINGS, ADMIN, STUDENT, NOTHING, True),
        (SETTINGS, STUDENT, ADMIN, NOTHING, False),
        (SETTINGS, STUDENT, ADMIN, TAUGHT, True),
    ],
)
def test_who_may_begin(settings: ChatSettings, role: Role, other: Role, shared: Shared, allowed: bool) -> None:
    relation = Relation(other, shared, blocks=False, blocked=False)
    assert allows(settings, role, relation) is allowed


def test_an_admin_is_answered_by_whomever_they_wrote_to() -> None:
    relation = Relation(ADMIN, NOTHING, blocks=False, blocked=False)
    assert allows(SETTINGS, STUDENT, relation, answering=True)
