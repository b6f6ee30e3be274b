"""From lessons to an nbgrader course: its settings, the instructor's and the students' versions, its gradebook."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

from nbgrader import utils
from nbgrader.api import MissingEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory

from grader.build import built_files
from grader.course.gradebook import CONFIG, open_gradebook, settings
from grader.course.lessons import keep
from grader.curriculum import lessons
from grader.files import write_atomically
from grader.known import handed_out
from grader.lessons import Lesson
from grader.notebooks import notebook_text, solved_notebook, stubs
from grader.problems import Problem


def release(root: Path, course: Path, slugs: Sequence[str] = ()) -> list[str]:
    """Makes the nbgrader course `course`, or brings it up to date, with the lessons `slugs` of the curriculum in
    `root`, or all. Grades stay, and so do the course's settings.

    Returns:
        the slugs of the lessons released.
    Raises:
        Problem: `course` is something else or cannot be written, or a lesson has submissions that no longer fit it.
    """
    chosen = lessons(root, list(slugs))
    _require_course_or_nothing(course)
    if not (course / CONFIG).is_file():
        write_atomically(course / CONFIG, _config(course.resolve().name))
    _require_fitting(course, chosen)
    for lesson in chosen:
        for name, text in _files(lesson).items():
            write_atomically(course / "source" / lesson.slug / name, text)
        _generate(course, lesson)
    keep(course, chosen)
    return [lesson.slug for lesson in chosen]


def _files(lesson: Lesson) -> dict[str, str]:
    """What nbgrader makes the released folder from: it copies all but the notebook as it is."""
    return {
        **built_files(lesson),
        f"{lesson.slug}.ipynb": notebook_text(solved_notebook(lesson)),
        f"checks/{lesson.slug}.mistakes.json": handed_out(lesson),
    }


def _config(course_id: str) -> str:
    text = f'''
        """nbgrader's settings of this course. They are yours: `grader release` writes them only when missing."""

        from pathlib import Path

        c = get_config()  # noqa: F821
        c.CourseDirectory.course_id = {course_id!r}
        c.CourseDirectory.root = str(Path(__file__).resolve().parent)

        # What takes the place of a solution.
        c.ClearSolutions.code_stub = {stubs()["code_stub"]!r}
        c.ClearSolutions.text_stub = {stubs()["text_stub"]!r}

        # `nbgrader autograde` and the button in formgrader grade as `grader grade` does; without this line they run
        # students' code as you, beside the solutions.
        c.Autograde.exporter_class = "grader.course.autograde.Engine"
        '''
    return dedent(text).lstrip()


def _require_course_or_nothing(course: Path) -> None:
    try:
        occupied = course.exists() and (not course.is_dir() or any(course.iterdir()))
    except OSError as error:
        raise Problem(f"{course} cannot be read: {error.strerror}. Choose another folder.") from None
    if occupied and not (course / CONFIG).is_file():
        raise Problem(f"{course} exists and is not a course: choose an empty or a new folder.")


def _require_fitting(course: Path, chosen: list[Lesson]) -> None:
    """nbgrader refuses to change the cells of an assignment with submissions, but after it has removed the release."""
    with open_gradebook(course) as gradebook:
        for lesson in chosen:
            try:
                notebook = gradebook.find_notebook(lesson.slug, lesson.slug)
            except MissingEntry:
                continue
            marks = [cell.metadata.get("nbgrader") for cell in solved_notebook(lesson).cells]
            if notebook.submissions and {m.grade_id for m in marks if m} != {c.name for c in notebook.source_cells}:
                raise Problem(f"Cells of {lesson.slug!r} were added or removed and the course has submissions of it: "
                              "release the new version in another course.")


def _generate(course: Path, lesson: Lesson) -> None:
    """nbgrader's own `generate_assignment`: the students' version, and the entries in the gradebook."""
    config = settings(course)
    config.CourseDirectory.assignment_id = lesson.slug
    generator = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    generator.force = True
    outcome = utils.capture_log(generator)
    if not outcome["success"]:
        reason = outcome["error"].strip().splitlines()[-1]
        raise Problem(f"nbgrader could not make the assignment {lesson.slug!r} ({reason}): "
                      f"see that {course} can be written.")
