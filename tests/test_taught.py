"""The library that later lessons get of what earlier ones taught."""

import subprocess
import sys

import pytest

from grader.build import build, built_files
from grader.course.release import release
from grader.curriculum import lessons
from grader.grading import Job, grade_all
from grader.new import new_lesson
from grader.notebooks import Handed
from grader.problems import Problem
from grader.taught import taught_before
from grader.verify import handed, prove, prove_running

IMPORT = "from taught.example import perplexity as taught_perplexity\n"


@pytest.fixture
def later(example_root):
    """A second lesson, which imports from the first."""
    (example_root / "solutions" / "curriculum.yaml").write_text("1_first: [example, later]\n")
    source = new_lesson(example_root, "1_first", "later") / "lesson.py"
    source.write_text(source.read_text().replace("import math\n", f"import math\n{IMPORT}", 1))
    return lessons(example_root, ["later"])[0]


def test_a_lesson_gets_what_it_imports_and_no_more(later, example_root, tmp_path):
    assert "taught/example.py" in built_files(later)
    build(example_root)
    assert [p.name for p in (example_root / "modules").rglob("taught/*")] == ["example.py"]
    text = taught_before(later)["example"]
    assert "def perplexity" in text and "SOLUTION" not in text and "check" not in text
    course = tmp_path / "course"
    release(example_root, course, ["example", "later"])
    assert [p.relative_to(course).parts[1] for p in course.glob("release/*/taught/*")] == ["later"]


def test_it_works_in_the_notebook_and_in_the_sandbox(later):
    assert [proof.complaints for proof in [*prove([later]), prove_running(later)] if proof.complaints] == []


def test_a_submission_cannot_import_its_own_answers(later):
    solved = handed(later)
    forged = Handed(tuple((name, "from taught.later import perplexity") for name, _ in solved.cells), {})
    [(_, result)] = grade_all([later], [Job("forger", "later", forged)])
    assert result.earned == 0
    assert "No module named 'taught.later'" in result.exercises[0].trouble


def test_a_notebook_cannot_import_its_own_answers_from_beside_it(later, example_root):
    """In modules/ lies what all lessons get, side by side."""
    build(example_root)
    folder = example_root / "modules" / "1_first"
    (folder / "taught" / "later.py").write_text("answer = 42\n")
    script = "from grader import lesson; check = lesson({!r}); import taught.{}"
    for own, wanted, works in (("later", "example", True), ("later", "later", False), ("example", "example", False)):
        command = [sys.executable, "-c", script.format(own, wanted)]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert (run.returncode == 0) == works, run.stderr
        assert works or f"taught.{wanted} holds what this lesson, or a later one, teaches" in run.stderr


def test_what_is_not_taught_before_is_refused(later, example_root):
    (example_root / "solutions" / "curriculum.yaml").write_text("1_first: [later, example]\n")
    with pytest.raises(Problem, match="no lesson example comes before it"):
        taught_before(lessons(example_root, ["later"])[0])
