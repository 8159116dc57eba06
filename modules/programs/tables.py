"""The tables of programs, for lists in pages and for tests."""

from __future__ import annotations

from piccolo.columns import Array, BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table


class Program(Table, tablename="program"):
    """A program; one that is `open_to_all` needs no enrolment. `price` is in minor units of `currency`."""

    id = Text(primary_key=True)
    title = Text()
    summary = Text()
    mentor_id = Text()
    co_mentors = Array(base_column=Text())
    open_to_all = Boolean()
    state = Text(default="draft")
    price = BigInt()
    currency = Text(default="INR")
    capacity = BigInt(null=True, default=None)
    rev = BigInt(default=1)
    curriculum_rev = BigInt(default=1)
    created_at = Timestamptz()


class Enrolment(Table, tablename="program_enrolment"):
    program_id = Text()
    user_id = Text()
    state = Text(default="enrolled")


class Unit(Table, tablename="program_unit"):
    """A part of a program's curriculum; its lessons are in it."""

    id = Text(primary_key=True)
    program_id = Text()
    title = Text()
    summary = Text()
    position = BigInt()
    rev = BigInt()


class Lesson(Table, tablename="program_lesson"):
    id = Text(primary_key=True)
    program_id = Text()
    unit_id = Text()
    title = Text()
    text = Text()
    position = BigInt()
    rev = BigInt()


class Student(Table, tablename="program_student"):
    """A student who has begun. `completed_at` is when they had completed every lesson for the first time."""

    program_id = Text(primary_key=True)
    user_id = Text()
    seen_at = Timestamptz()
    completed_at = Timestamptz(null=True, default=None)


class LessonProgress(Table, tablename="program_progress"):
    """What a student has started and completed."""

    lesson_id = Text(primary_key=True)
    user_id = Text()
    started_at = Timestamptz()
    completed_at = Timestamptz(null=True, default=None)


class Payment(Table, tablename="program_payment"):
    """A payment that was decided: it got a place or was refused one."""

    payment_id = Text(primary_key=True)
    program_id = Text()
    user_id = Text()
    decided_at = Timestamptz()


class Ban(Table, tablename="program_ban"):
    """A user who is kept out of a program."""

    program_id = Text(primary_key=True)
    user_id = Text()
    until = Timestamptz(null=True, default=None)
