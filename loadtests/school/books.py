"""What the players know of what they did. Nothing here comes of the gateways' rows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CourseBook:
    """A program that is bought, learned and handed in for."""

    program: str = ""
    price: int = 0
    lessons: list[str] = field(default_factory=list)
    assignments: list[str] = field(default_factory=list)
    # Orders by what became of them. Users are named by their ids.
    ordered: list[str] = field(default_factory=list)
    attempted: set[str] = field(default_factory=set)
    failed_attempts: int = 0
    paid: set[str] = field(default_factory=set)
    refunded: dict[str, int] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    # user → lessons completed; (assignment, user) → `on_time` or `late`; what was taken back is not here.
    lessons_done: dict[str, int] = field(default_factory=dict)
    turned_in: dict[tuple[str, str], str] = field(default_factory=dict)
    # Who turned something in, also what was taken back.
    handed_in: set[str] = field(default_factory=set)
    # (assignment, user) → seconds from turning in to the release, by the players' clock.
    graded: dict[tuple[str, str], float] = field(default_factory=dict)
    points: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def learners(self) -> set[str]:
        return self.paid - self.left


@dataclass
class ClassBook:
    """A live class. `stays` are seconds in the class, by the players' clock."""

    program: str = ""
    session: str = ""
    expected: set[str] = field(default_factory=set)
    on_time: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    stays: dict[str, float] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    hands: set[str] = field(default_factory=set)
    questions: dict[str, int] = field(default_factory=dict)
    votes: set[str] = field(default_factory=set)
    stars: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def came(self) -> set[str]:
        return self.on_time | self.late | self.short

    @property
    def attended(self) -> set[str]:
        return self.on_time | self.late

    @property
    def took_part(self) -> set[str]:
        return {*self.messages, *self.hands, *self.questions, *self.votes}
