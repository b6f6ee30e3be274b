"""nbgrader's gradebook of a course, and the autograded notebooks that its formgrader opens."""

import copy
import re
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from os import environ, pathsep
from pathlib import Path
from tempfile import TemporaryDirectory

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell
from nbgrader import utils
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import CsvExportPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config, PyFileConfigLoader

from grader.course.store import Graded
from grader.files import write_atomically
from grader.lessons import Lesson
from grader.notebooks import Handed, answers_in, notebook_text, read_submission, unsolved_notebook
from grader.problems import Problem
from grader.results import CheckResult, ExerciseResult, Result

CONFIG = "nbgrader_config.py"
INVISIBLE = "\u200b"  # a space of no width


def settings(course: Path) -> Config:
    """nbgrader's settings of the course in the folder `course`.

    Raises:
        Problem: there is no course, or its settings cannot be read.
    """
    if not (course / CONFIG).is_file():
        raise Problem(f"{course} is not a course, it has no {CONFIG}: make one with `grader release {course}`.")
    try:
        config = PyFileConfigLoader(CONFIG, path=str(course)).load_config()
    except Exception as error:  # noqa: BLE001 - an instructor's own Python
        raise Problem(f"{course / CONFIG} cannot be read ({type(error).__name__}: {error}): mend it.") from None
    config.CourseDirectory.root = str(course.resolve())
    return config


@contextmanager
def open_gradebook(course: Path) -> Iterator[Gradebook]:
    """The gradebook of a course. What is not committed when the block ends is dropped.

    Raises:
        Problem: there is no course, or its gradebook cannot be read or written.
    """
    directory = CourseDirectory(config=settings(course))
    if (scripts := sysconfig.get_path("scripts")) not in (found := environ.get("PATH", "")).split(pathsep):
        environ["PATH"] = pathsep.join([scripts, found])  # nbgrader calls alembic
    try:
        with Gradebook(directory.db_url, directory.course_id) as gradebook:
            yield gradebook
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise Problem(f"The gradebook of {course} cannot be used ({reason}): close other programs that use it, "
                      "see that it can be written, or put back a copy of it.") from None


def record(course: Path, graded: Sequence[Graded], lessons: Mapping[str, Lesson]) -> None:
    """Enters results as nbgrader's autograding does, all or none, and writes the autograded notebooks.

    Scores and comments that were given by hand stay. What then needs a look, and waits for manual grading, is a written
    answer without a score or changed since it got one, and an exercise whose score by hand stands against a new result.

    Raises:
        Problem: the course does not have a lesson, or not as it is now.
    """
    notebooks = [autograded(course, g, lessons[g.lesson]) for g in graded]
    with open_gradebook(course) as gradebook:
        penalties = AssignLatePenalties(config=settings(course))
        penalties.init_plugin()
        people = {person.id: person for person in gradebook.db.query(Student)}
        entries = {slug: _Entries(gradebook, lessons[slug], people) for slug in {g.lesson for g in graded}}
        with gradebook.db.no_autoflush:  # else it writes before each look, once a student
            for g, notebook in zip(graded, notebooks):
                submitted = entries[g.lesson].of(g.student)
                submitted.assignment.timestamp = utils.parse_utc(_timestamp(course, g) or None)
                _enter(notebook, _written_before(course, g), g.result, submitted)
        gradebook.db.flush()
        for g in graded:
            _penalise(gradebook, penalties, entries[g.lesson].of(g.student))
        gradebook.db.commit()
    for g, notebook in zip(graded, notebooks):  # last: until then, a changed answer is seen to be changed
        _write(course, g, notebook)


def autograded(course: Path, graded: Graded, lesson: Lesson) -> NotebookNode:
    """The course's own notebook with the answers of a submission and, below each check, the score and its reasons.
    Opening it runs nothing that a student wrote. A submission that cannot be read has no answers."""
    result, submission = graded.result, _notebook(_folder(course, "submitted", graded) / f"{graded.lesson}.ipynb")
    handed = answers_in(submission, lesson) if submission else Handed((), {})
    found = {f"check-{exercise.exercise}": exercise for exercise in result.exercises}
    own = _own_cells(handed)
    notebook = copy.copy(_unsolved(lesson))
    cells = []
    for cell in map(copy.copy, notebook.cells):  # what is not replaced below is shared by all students' notebooks
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id in handed.answers:
            cells += own.pop(grade_id)
            cell.source = handed.answers[grade_id]
        elif grade_id in handed.written:
            cell.source = inert(handed.written[grade_id])
        elif cell.cell_type == "code" and utils.is_grade(cell):
            exercise = found.get(grade_id)
            earned = min(exercise.earned, cell.metadata.nbgrader.points) if exercise and not result.failed else 0
            text = _cannot_grade(result) if result.failed or not exercise else panel(exercise)
            cell.outputs = [from_dict({"output_type": "stream", "name": "stdout", "text": text + "\n"}),
                            from_dict({"output_type": "execute_result", "data": {"text/plain": repr(float(earned))},
                                       "metadata": {}, "execution_count": None})]
        cells.append(cell)
    notebook.cells = cells + own.pop("")
    return notebook


@lru_cache(maxsize=32)
def _unsolved(lesson: Lesson) -> NotebookNode:
    return unsolved_notebook(lesson)  # made and validated once a lesson, not once a student


def panel(exercise: ExerciseResult) -> str:
    """What the checks of an exercise found, in plain text. A hidden check appears by its sentence only."""
    lines = [f"{exercise.exercise}: {exercise.earned:g} of {exercise.points:g}"]
    lines += [f"{'✓' if check.holds else '✗'} {_line(check)}" for check in exercise.checks]
    return "\n".join([*lines, *_reasons(exercise)])


def inert(text: str) -> str:
    """Markdown that shows `text` and has neither HTML, links and pictures nor formulas that act, wherever they stand.

    Telling code, where these are harmless, from the rest would have to agree with every renderer; a space of no width
    after the character that begins them takes their effect and leaves their looks."""
    return re.sub(r"<(?=[A-Za-z/!?])|\](?=[(:\[])|\\(?=href|require|class|style|cssId)", rf"\g<0>{INVISIBLE}", text)


def grades_csv(course: Path) -> str:
    """What `nbgrader export` writes about the course."""
    with open_gradebook(course) as gradebook, TemporaryDirectory() as folder:
        exported = Path(folder) / "grades.csv"
        CsvExportPlugin(to=str(exported)).export(gradebook)
        return exported.read_text()


def written_scores(course: Path) -> dict[tuple[str, str], dict[str, tuple[float | None, float]]]:
    """For each submission, by student and lesson, the score of each written answer, None while it waits for manual
    grading, and the most that it can get."""
    scores: dict[tuple[str, str], dict[str, tuple[float | None, float]]] = {}
    with open_gradebook(course) as gradebook:
        rows = (
            gradebook.db.query(SubmittedAssignment.student_id, Assignment.name, GradeCell.name,
                               Grade.needs_manual_grade, Grade.score, GradeCell.max_score)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .join(GradeCell, GradeCell.id == Grade.cell_id)
            .filter(GradeCell.cell_type == "markdown")
        )
        for student, lesson, name, waits, score, most in rows:
            scores.setdefault((student, lesson), {})[name] = (None if waits else score, most)
    return scores


def waiting(course: Path) -> dict[tuple[str, str], int]:
    """How many submissions wait for manual grading, by lesson and cell: a written answer's name, or `check-…`."""
    with open_gradebook(course) as gradebook:
        rows = (
            gradebook.db.query(Assignment.name, GradeCell.name, func.count(Grade.id))
            .join(Notebook, Notebook.assignment_id == Assignment.id)
            .join(GradeCell, GradeCell.notebook_id == Notebook.id)
            .join(Grade, Grade.cell_id == GradeCell.id)
            .filter(Grade.needs_manual_grade)
            .group_by(Assignment.name, GradeCell.name)
            .order_by(Assignment.name, GradeCell.name)
        )
        return {(lesson, name): count for lesson, name, count in rows}


class _Entries:
    """The submissions of a lesson in the gradebook, made where missing; nbgrader's own calls commit each one alone."""

    def __init__(self, gradebook: Gradebook, lesson: Lesson, people: dict[str, Student]):
        self._people = people  # by their ids, also those whom another lesson has just brought
        try:
            self._notebook = gradebook.find_notebook(lesson.slug, lesson.slug)
        except MissingEntry:
            raise Problem(f"The course has no lesson {lesson.slug!r} yet: run `grader release` on it.") from None
        points = {cell.grade_id: cell.points for cell in lesson.cells if cell.role in ("check", "written")}
        if points != {cell.name: cell.max_score for cell in self._notebook.grade_cells}:
            raise Problem(f"The lesson {lesson.slug!r} has changed since it was released: run `grader release` again.")
        self._db = gradebook.db
        self._submissions = {s.student_id: s for s in self._notebook.assignment.submissions}

    def of(self, student: str) -> SubmittedNotebook:
        """The entry of a student's notebook."""
        if student not in self._submissions:
            self._submissions[student] = self._new(student)
        return self._submissions[student].notebooks[0]

    def _new(self, student: str) -> SubmittedAssignment:
        person = self._people.setdefault(student, Student(id=student))
        submission = SubmittedAssignment(assignment=self._notebook.assignment, student=person)
        notebook = SubmittedNotebook(notebook=self._notebook, assignment=submission)
        for cell in self._notebook.grade_cells:
            Grade(cell=cell, notebook=notebook)
        for cell in self._notebook.solution_cells:
            Comment(cell=cell, notebook=notebook)
        self._db.add(submission)
        return submission


def _enter(notebook: NotebookNode, before: Mapping[str, str], result: Result, submitted: SubmittedNotebook) -> None:
    """Enters the scores and comments of an autograded notebook as nbgrader reads them from it."""
    grades = {grade.cell.name: grade for grade in submitted.grades}
    comments = {comment.cell.name: comment for comment in submitted.comments}
    found = {exercise.exercise: exercise for exercise in result.exercises}
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if utils.is_grade(cell):
            grade = grades[grade_id]
            score, _ = utils.determine_grade(cell)
            if grade.manual_score is None:
                grade.needs_manual_grade = score is None
            elif utils.is_solution(cell):
                grade.needs_manual_grade = grade.needs_manual_grade or before.get(grade_id) != cell.source
            else:
                grade.needs_manual_grade = grade.needs_manual_grade or grade.auto_score != score
            grade.auto_score = score
        if utils.is_solution(cell):
            untouched = cell.metadata.nbgrader.checksum == utils.compute_checksum(cell)
            failed = result.failed and not utils.is_grade(cell)
            text = _cannot_grade(result) if failed else "No response." if untouched else _comment(found.get(grade_id))
            comments[grade_id].auto_comment = inert(text) or None


def _penalise(gradebook: Gradebook, penalties: AssignLatePenalties, submitted: SubmittedNotebook) -> None:
    """The course's late penalty, as nbgrader's own autograding sets it."""
    submitted.late_submission_penalty = None
    if (late := submitted.assignment.total_seconds_late) > 0:
        gradebook.db.refresh(submitted)
        student = submitted.assignment.student_id
        penalty = penalties.plugin_inst.late_submission_penalty(student, submitted.score, late)
        if penalty is not None:
            submitted.late_submission_penalty = penalties._check_late_penalty(submitted, penalty)


def _comment(exercise: ExerciseResult | None) -> str:
    """What does not hold, for the student; nothing for a written answer."""
    if exercise is None or exercise.full:
        return ""
    failing = [f"- {_line(check)}" for check in exercise.checks if not check.holds]
    return "\n".join([*failing, "", *_reasons(exercise)]).strip()


def _line(check: CheckResult) -> str:
    message = "" if check.holds or check.hidden else check.problem.message
    return f"{check.sentence} {message}".strip()[:400]


def _reasons(exercise: ExerciseResult) -> list[str]:
    trouble = f"Its cell did not run: {exercise.trouble}"[:400] if exercise.trouble else ""
    unmet = f"It builds on {', '.join(exercise.unmet)}, not right yet." if exercise.unmet and not exercise.full else ""
    return [text for text in (trouble, exercise.hint, unmet) if text]


def _cannot_grade(result: Result) -> str:
    return f"Not graded. {result.failed}".strip()


def _own_cells(handed: Handed) -> dict[str, list[NotebookNode]]:
    """The student's own cells by the exercise whose answer they stand before; "" for those after the last."""
    grouped: dict[str, list[NotebookNode]] = {"": []}
    for number, (exercise, source) in enumerate(handed.cells):
        if exercise:
            grouped[exercise], grouped[""] = grouped[""], []
        else:
            grouped[""].append(new_code_cell(source, id=f"own-{number}"))
    return grouped


def _notebook(path: Path) -> NotebookNode | None:
    try:
        return read_submission(path)
    except Problem:
        return None


def _written_before(course: Path, graded: Graded) -> dict[str, str]:
    """The sources of the autograded notebook that formgrader has shown so far, by nbgrader's id."""
    notebook = _notebook(_folder(course, "autograded", graded) / f"{graded.lesson}.ipynb")
    cells = notebook.cells if notebook else []
    return {c.metadata.nbgrader.grade_id: c.source for c in cells if "nbgrader" in c.metadata}


def _write(course: Path, graded: Graded, notebook: NotebookNode) -> None:
    folder = _folder(course, "autograded", graded)
    texts = {f"{graded.lesson}.ipynb": notebook_text(notebook), "timestamp.txt": _timestamp(course, graded)}
    for name, text in texts.items():
        path = folder / name
        if text and not (path.is_file() and path.read_text() == text):  # formgrader may have it open
            write_atomically(path, text)


def _timestamp(course: Path, graded: Graded) -> str:
    """When the submission was handed in, as nbgrader's exchange wrote it, or "" when that cannot be told."""
    try:
        text = (_folder(course, "submitted", graded) / "timestamp.txt").read_text()[:100].strip()
        return text if isinstance(utils.parse_utc(text), datetime) else ""
    except (OSError, ValueError, OverflowError):
        return ""


def _folder(course: Path, step: str, graded: Graded) -> Path:
    return course / step / graded.student / graded.lesson
