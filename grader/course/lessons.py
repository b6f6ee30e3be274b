"""The lessons that a course was last released or graded with, kept in it: a course folder may move, and nbgrader's own
`autograde`, which knows only that folder, gives the verdicts of `grader grade`."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from grader.curriculum import order
from grader.files import write_atomically
from grader.lessons import Lesson
from grader.taught import lessons_needed


def keep(course: Path, lessons: Iterable[Lesson]) -> None:
    """Brings the course's copy of `lessons` up to date, laid out as a curriculum. Lessons that their curriculum no
    longer lists go."""
    lessons = [lesson for lesson in lessons if not lesson.folder.is_relative_to(course.resolve() / "solutions")]
    if not lessons:
        return
    origin = lessons[0].folder.parents[2]
    lessons = {lesson.slug: lesson for chosen in lessons for lesson in [*lessons_needed(chosen), chosen]}.values()
    listed = {(module, slug) for module, slugs in order(origin).items() for slug in slugs}
    for folder in course.glob("solutions/*/*/"):
        if (folder.parent.name, folder.name) not in listed:
            shutil.rmtree(folder)
    _copy(origin / "solutions" / "curriculum.yaml", course / "solutions" / "curriculum.yaml")
    for lesson in lessons:
        copies = course / "solutions" / lesson.module / lesson.slug
        for file in lesson.folder.glob("*.*"):
            _copy(file, copies / file.name)
        for file in copies.glob("*.*"):
            if not (lesson.folder / file.name).exists():
                file.unlink()


def _copy(file: Path, to: Path) -> None:
    text = file.read_text()
    if not (to.is_file() and to.read_text() == text):
        write_atomically(to, text)
