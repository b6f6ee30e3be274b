"""The page about a class that an instructor reads in a minute."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from urllib.parse import quote

from markupsafe import Markup

from grader.course.store import Graded
from grader.pages.plots import distribution, pass_rates
from grader.pages.render import render
from grader.pages.words import number, plain

MOST_NAMES = 12  # in one cell of a table
MOST_ROWS = 6  # of mistakes or failures; the others are folded away
MOST_STUDENTS = 40  # in a table that stands open
LONGEST_NAME = 60


@dataclass(frozen=True)
class Person:
    """A student in a table. `page`: the feedback, relative to the report."""

    name: str
    page: str


@dataclass(frozen=True)
class Group:
    """Students who have something in common: a mistake, or the reason why their submission could not be graded."""

    lesson: str
    about: tuple[str, ...]
    students: tuple[Person, ...]

    @property
    def named(self) -> tuple[Person, ...]:
        return self.students[:MOST_NAMES]

    @property
    def unnamed(self) -> int:
        return len(self.students) - len(self.named)


@dataclass(frozen=True)
class LessonSummary:
    """What a class did in a lesson. `middle`: the median share of the points, None when nothing was graded."""

    lesson: str
    handed_in: int
    failed: int
    points: float
    middle: float | None
    cpu_seconds: float
    scores: Markup
    exercises: Markup


def report_page(
    course: str, graded: Sequence[Graded], waiting: Mapping[str, int], total_students: int | None = None
) -> str:
    """A self-contained page, to lie beside the folder `feedback` of the course.

    Args:
        course: its name.
        graded: all results; lessons appear in the order in which they first occur here.
        waiting: how many answers wait for the instructor, by "lesson/written answer"; those with none are left out.
        total_students: how many the class has; without it, how many handed something in.
    """
    students = sorted({g.student for g in graded})
    slugs = dict.fromkeys(g.lesson for g in graded)
    lessons = [_lesson(slug, [g for g in graded if g.lesson == slug]) for slug in slugs]
    shares = [_share(g) for g in graded if not g.result.failed]
    seconds = [g.result.cpu_seconds for g in graded]
    return render(
        "report.html.j2",
        course=course,
        active=len(students),
        total=max(total_students or 0, len(students)),
        submissions=len(graded),
        middle=median(shares) if shares else None,
        seconds=(median(seconds), max(seconds), sum(seconds)) if seconds else None,
        failures=_groups((g, (g.result.failed,)) for g in graded if g.result.failed),
        failed=sum(bool(g.result.failed) for g in graded),
        waiting={answer: count for answer, count in waiting.items() if count},
        mistakes=_groups(
            (g, (e.exercise, e.mistake, e.hint)) for g in graded for e in g.result.exercises if e.mistake
        ),
        lessons=lessons,
        rows=_rows(students, lessons, graded),
        most_rows=MOST_ROWS,
        most_students=MOST_STUDENTS,
    )


def _share(graded: Graded) -> float:
    """Which part of the points was earned."""
    return graded.result.earned / graded.result.points if graded.result.points else 0.0


def _lesson(lesson: str, graded: list[Graded]) -> LessonSummary:
    scored = [g for g in graded if not g.result.failed]
    shares = [_share(g) for g in scored]
    middle = median(shares) if shares else None
    about_scores = f"{lesson}: the scores of {len(scored)} submissions" + (f", median {middle:.0%}" if scored else "")
    rates: dict[str, tuple[int, int]] = {}
    for g in scored:
        for exercise in g.result.exercises:
            passed, total = rates.get(exercise.exercise, (0, 0))
            rates[exercise.exercise] = passed + exercise.full, total + 1
    return LessonSummary(
        lesson,
        len(graded),
        len(graded) - len(scored),
        max((g.result.points for g in scored), default=0),
        middle,
        sum(g.result.cpu_seconds for g in graded) / len(graded),
        distribution(about_scores, shares) if shares else "",
        pass_rates(f"{lesson}: how many solved each exercise", rates) if rates else "",
    )


def _groups(found: Iterable[tuple[Graded, tuple[str, ...]]]) -> list[Group]:
    """The students by what was found about them, the largest group first."""
    groups: dict[tuple[str, tuple[str, ...]], list[Person]] = {}
    for graded, about in found:
        groups.setdefault((graded.lesson, about), []).append(_person(graded.student, graded.lesson))
    all_groups = [Group(lesson, about, tuple(people)) for (lesson, about), people in groups.items()]
    return sorted(all_groups, key=lambda group: -len(group.students))


def _rows(students: list[str], lessons: list[LessonSummary], graded: Sequence[Graded]) -> list[tuple]:
    """For each student the name, for each lesson the score and the feedback's page (or None), and the sum."""
    results = {(g.student, g.lesson): g.result for g in graded}
    rows = []
    for student in students:
        cells, total = [], 0.0
        for summary in lessons:
            result = results.get((student, summary.lesson))
            if result is None:
                cells.append(None)
                continue
            total += result.earned
            text = "not graded" if result.failed else number(result.earned)
            cells.append((text, _person(student, summary.lesson).page))
        rows.append((plain(student, LONGEST_NAME), cells, total))
    return rows


def _person(student: str, lesson: str) -> Person:
    folder, name = (quote(part, safe="", errors="replace") for part in (student, lesson))
    return Person(plain(student, LONGEST_NAME), f"feedback/{folder}/{name}/{name}.html")
