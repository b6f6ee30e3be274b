"""nbgrader's own `autograde`, and the button in its formgrader, give what `grader grade` gives."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from test_nbgrader import formgrader, nbgrader  # noqa: F401 - a fixture

from grader.course.grade import grade_course
from grader.course.gradebook import grades_csv, open_gradebook
from grader.course.release import release
from grader.demo import make_class
from grader.notebooks import unsolved_notebook, write_notebook

STAMP = "2031-05-06 07:08:09.000000 UTC"


@pytest.fixture
def course(example_root, example, tmp_path):
    """A course with a right, a wrong, an untouched, a malformed and two hostile submissions."""
    course = tmp_path / "moved" / "numbers"
    release(example_root, tmp_path / "numbers")
    for work in make_class([example]):
        if work.student in ("ada", "john", "edsger", "hedy"):
            hand_in(tmp_path / "numbers", work.student).write_text(work.text)
    for student, code in HOSTILE.items():
        notebook = unsolved_notebook(example)
        notebook.cells.insert(0, new_code_cell(code))
        for cell in notebook.cells:
            cell.metadata["tags"] = ["skip-execution"]
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.metadata.nbgrader.points = 1000
                cell.source = "1000"
        notebook.metadata.kernelspec.name = "none such"
        write_notebook(notebook, hand_in(tmp_path / "numbers", student))
    course.parent.mkdir()
    return Path(shutil.move(tmp_path / "numbers", course))  # a course may move


HOSTILE = {
    "mallory": "from nbgrader import utils\nutils.determine_grade = lambda *_: (1000, 1000)",
    "trudy": "import os\nopen(os.path.join('..', 'stolen.txt'), 'w').write('was here')\nos._exit(0)",
}


def hand_in(course, student):
    """The path of a student's notebook."""
    folder = course / "submitted" / student / "example"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "timestamp.txt").write_text(STAMP)
    return folder / "example.ipynb"


def gradebook(course):
    """All scores and comments of a course, and what waits for manual grading."""
    with open_gradebook(course) as book:
        notebooks = [n for s in book.assignment_submissions("example") for n in s.notebooks]
        return {
            n.student.id: (
                n.assignment.timestamp, n.assignment.late_submission_penalty,
                {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in n.grades},
                {c.name: (c.auto_comment, c.manual_comment) for c in n.comments},
            )
            for n in notebooks
        }


def autograded(course):
    """The autograded notebooks by student."""
    return {f.parent.parent.name: f.read_text() for f in course.glob("autograded/*/example/example.ipynb")}


@pytest.fixture
def undisturbed(course, example, tmp_path):
    """A copy of the course that `grader grade` has graded."""
    copy = Path(shutil.copytree(course, tmp_path / "undisturbed"))
    run = grade_course(copy, [example])
    assert [graded.student for graded in run.failed] == ["hedy"]
    found = gradebook(copy)
    scores = {student: sum(score for score, *_ in entry[2].values() if score) for student, entry in found.items()}
    assert scores["ada"] == 4 and scores["john"] < 4 and not any(scores[s] for s in ("edsger", "hedy", *HOSTILE))
    return copy


@pytest.mark.slow
def test_nbgrader_autograde_gives_the_same(course, undisturbed):
    nbgrader(course, "autograde", "example")
    assert gradebook(course) == gradebook(undisturbed) and grades_csv(course) == grades_csv(undisturbed)
    assert autograded(course) == autograded(undisturbed)
    assert not list(course.rglob("stolen.txt"))
    nbgrader(course, "autograde", "example", "--force")
    assert gradebook(course) == gradebook(undisturbed) and autograded(course) == autograded(undisturbed)
    nbformat.validate(nbformat.read(course / "autograded" / "hedy" / "example" / "example.ipynb", as_version=4))
    again = subprocess.run([sys.executable, "-m", "grader", "grade", "."], cwd=course, capture_output=True, text=True)
    assert "0 graded, 6 unchanged" in again.stdout, again.stderr


@pytest.mark.slow
def test_the_button_in_formgrader_gives_the_same(formgrader, course, undisturbed):  # noqa: F811
    for student in gradebook(undisturbed):
        answer = formgrader(f"api/submission/example/{student}/autograde", "POST")
        assert answer.status_code == 200 and answer.json()["success"], answer.text
    assert gradebook(course) == gradebook(undisturbed) and autograded(course) == autograded(undisturbed)
    one = formgrader("api/submission/example/ada/autograde", "POST")  # again, because the button forces
    assert one.json()["success"] and gradebook(course) == gradebook(undisturbed)


@pytest.mark.slow
def test_autograde_says_why_it_cannot(course):
    (course / "solutions" / "1_first" / "example" / "checks.py").write_text("def broken(")
    run = subprocess.run([sys.executable, "-m", "nbgrader", "autograde", "example"], cwd=course, capture_output=True,
                         text=True)
    assert run.returncode == 1 and "autograded" not in [f.name for f in course.iterdir()]


@pytest.mark.slow
def test_a_course_without_our_line_is_graded_by_nbgrader_itself(course):
    config = course / "nbgrader_config.py"
    config.write_text("\n".join(x for x in config.read_text().splitlines() if "exporter_class" not in x))
    for student in ("hedy", *HOSTILE):
        shutil.rmtree(course / "submitted" / student)
    nbgrader(course, "autograde", "example")
    assert not (course / "results").exists() and gradebook(course)["ada"]
