"""Grading a class: everything in `submitted/` that is not graded yet, then gradebook, feedback and report."""

import contextlib
import fcntl
import hashlib
import importlib.metadata
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from grader.course.gradebook import grades_csv, record, waiting, written_scores
from grader.course.lessons import keep
from grader.course.progress import Progress
from grader.course.store import Graded, load, load_all, save
from grader.files import remove_parts, write_atomically
from grader.grading import Job, grade_all
from grader.lessons import Lesson
from grader.pages.feedback import feedback_page
from grader.pages.report import report_page
from grader.problems import Problem
from grader.taught import taught_before


@dataclass(frozen=True)
class Run:
    """What a run of grading did. `failed`: the submissions that could not be graded."""

    graded: int
    unchanged: int
    failed: list[Graded]


def grade_course(course: Path, lessons: list[Lesson], slugs: Sequence[str] = (), student: str = "*",
                 again: bool = False, trusted: bool = False) -> Run:
    """Grades each submission of the course that is new or changed, and brings gradebook, feedback and report up to
    date. Results are kept as they come: an interrupted run goes on where it stopped. `trusted`: the students are people
    whom one trusts.

    Args:
        course: its folder.
        lessons: all lessons, in teaching order.
        slugs: which of them to grade; without any, all.
        student: whose submissions; may be a pattern.
        again: whether to grade unchanged submissions too.
    Raises:
        Problem: this is no course, another run is at work on it, or this machine cannot hold their code in.
    """
    require_course(course)
    with _alone(course):
        by_slug = {lesson.slug: lesson for lesson in lessons}
        keep(course, [lesson for lesson in lessons if (course / "source" / lesson.slug).is_dir()])
        keys = {lesson.slug: _key(lesson) for lesson in lessons}
        found = [(whose, slug, path, _submission_key(path, keys[slug]))
                 for whose, slug, path in _submissions(course, by_slug)
                 if (not slugs or slug in slugs) and (whose == student or fnmatchcase(whose, student))]
        done = [] if again else [(whose, slug) for whose, slug, _, key in found if _has(course, whose, slug, key)]
        todo = [submission for submission in found if submission[:2] not in done]
        for graded in _graded(lessons, todo, trusted):
            save(course, graded)
        results = [load(course, whose, slug) for whose, slug, *_ in found]
        record(course, results, by_slug)  # all: an earlier run may have ended between results and gradebook
        _write_pages(course, lessons)
        return Run(len(todo), len(done), [graded for graded in results if graded.result.failed])


def write_pages(course: Path, lessons: list[Lesson]) -> Path:
    """Writes every feedback page, `grades.csv` and `report.html` from what is stored; gives the report's path.

    Raises:
        Problem: this is no course, or another run is at work on it.
    """
    require_course(course)
    with _alone(course):
        return _write_pages(course, lessons)


def _write_pages(course: Path, lessons: list[Lesson]) -> Path:
    by_slug = {lesson.slug: lesson for lesson in lessons}
    present = {submission[:2] for submission in _submissions(course, by_slug)}
    results = [graded for graded in load_all(course) if (graded.student, graded.lesson) in present]
    written = written_scores(course)
    write_feedback = partial(_write_feedback, course)
    pages = [(graded, by_slug[graded.lesson].title, written.get((graded.student, graded.lesson), {})) for graded in results]
    with ProcessPoolExecutor(mp_context=get_context("fork")) as workers:  # fork: nothing is imported again
        for _ in workers.map(write_feedback, *zip(*pages), chunksize=16):
            pass
    write_atomically(course / "grades.csv", grades_csv(course))
    report = course / "report.html"
    order = [lesson.slug for lesson in lessons]
    results = sorted(results, key=lambda graded: (order.index(graded.lesson), graded.student))
    left = {f"{lesson}/{name}": count for (lesson, name), count in waiting(course).items()}
    write_atomically(report, report_page(course.resolve().name, results, left))
    return report


def _write_feedback(course: Path, graded: Graded, title: str, written: dict[str, tuple[float | None, float]]) -> None:
    page = feedback_page(graded.student, title, graded.result, written)
    write_atomically(course / "feedback" / graded.student / graded.lesson / f"{graded.lesson}.html", page)


def require_course(course: Path) -> None:
    """Raises Problem unless `grader release` made this folder."""
    if not (course / "gradebook.db").is_file() or not (course / "source").is_dir():
        raise Problem(f"{course} is not a course: make one with `grader release {course}`.")


def _graded(lessons: list[Lesson], todo: list[tuple[str, str, Path, str]], trusted: bool) -> Iterator[Graded]:
    keys = {(student, slug): key for student, slug, _, key in todo}
    jobs = [Job((student, slug), slug, path) for student, slug, path, _ in todo]
    needed = {slug for _, slug, _, _ in todo}
    with Progress(len(jobs)) as progress:
        for (student, slug), result in grade_all([x for x in lessons if x.slug in needed], jobs, trusted=trusted):
            progress.step(bool(result.failed))
            yield Graded(student, keys[student, slug], result)


def _submissions(course: Path, lessons: dict[str, Lesson]) -> Iterator[tuple[str, str, Path]]:
    """Student, lesson and notebook's path of each submission, as nbgrader lays them out."""
    for folder in sorted((course / "submitted").glob("*/*")):
        if folder.is_dir() and folder.name in lessons:
            yield folder.parent.name, folder.name, folder / f"{folder.name}.ipynb"


def _has(course: Path, student: str, slug: str, key: str) -> bool:
    stored = load(course, student, slug)
    return stored is not None and stored.key == key


def _key(lesson: Lesson) -> str:
    """Changes with the lesson, the grader and what they run on."""
    parts = [f.read_bytes() for f in sorted(lesson.folder.glob("*.py"))]
    parts += [text.encode() for text in taught_before(lesson).values()]
    parts += [f.read_bytes() for f in sorted(Path(__file__).parents[1].rglob("*.py"))]
    parts += [importlib.metadata.version(name).encode() for name in ("torch", "numpy", "ipython")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _submission_key(path: Path, lesson_key: str) -> str:
    content = path.read_bytes() if path.is_file() and not path.is_symlink() else b"missing"
    return hashlib.sha256(lesson_key.encode() + content).hexdigest()[:32]


@contextlib.contextmanager
def _alone(course: Path) -> Iterator[None]:
    """Keeps other runs out, and removes the parts of files that a killed one left."""
    with open(course / ".grading.lock", "w") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # which, unlike flock, workers that are forked do not hold
        except BlockingIOError:
            raise Problem(f"{course} is being graded by another run: wait until it has ended.") from None
        for folder in (course, *course.glob("results/*"), *course.glob("feedback/*/*"), *course.glob("autograded/*/*")):
            remove_parts(folder)
        yield
