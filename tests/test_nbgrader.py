"""Lessons as notebooks, what is taken from a student's, and a course that stock nbgrader reads."""

import copy
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import nbformat
import pytest
import requests
from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.course.gradebook import grades_csv, open_gradebook, record, waiting, written_scores
from grader.course.release import release
from grader.course.store import Graded
from grader.curriculum import lessons
from grader.notebooks import (
    LARGEST_NOTEBOOK,
    answers_in,
    notebook_text,
    read_submission,
    solved_notebook,
    unsolved_notebook,
    write_notebook,
)
from grader.problems import Problem
from grader.results import CheckResult, ExerciseResult, Result
from grader.results import Problem as CheckProblem

LESSON = '''
    # ---
    # title: Tiny
    # minutes: 5
    # seconds: 10
    # difficulty: easy
    # ---

    # %% [markdown]
    # Numbers get larger.

    # %% setup
    import math

    # %%
    print("shown", math.pi)

    # %% exercise="double"
    def double(number):
        """Twice `number`."""
        ### BEGIN SOLUTION
        return 2 * number
        ### END SOLUTION

    # %% check="double"

    # %% exercise="triple"
    def triple(number):
        """Three times `number`."""
        ### BEGIN SOLUTION
        return 3 * number
        ### END SOLUTION

    # %% check="triple"

    # %% [markdown] written="why" points=3
    # **Why?**
    #
    # ### BEGIN SOLUTION
    # Because the author says so.
    # ### END SOLUTION
    '''

CHECKS = '''
    from grader.checks import assert_equal, check

    @check("double", points=2)
    def test_double(submission):
        """It doubles."""
        assert_equal(submission.double(4), 8)

    @check("double", points=1, hidden=True)
    def test_double_negative(submission):
        """It doubles negative numbers."""
        assert_equal(submission.double(-4), -8)

    @check("triple", points=2)
    def test_triple(submission):
        """It triples."""
        assert_equal(submission.triple(4), 12)
    '''

VARIANTS = '''
    from grader.variants import Alternative, Mistake

    VARIANTS = [
        Alternative("double", "adds", right="2 * number", other="number + number"),
        Mistake("double", "squares", right="2 * number", wrong="number ** 2", hint="You square."),
    ]
    '''

STAMP = "2031-05-06 07:08:09.000000 UTC"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A curriculum of one tiny lesson."""
    root = tmp_path_factory.mktemp("curriculum")
    folder = root / "solutions" / "1_numbers" / "tiny"
    folder.mkdir(parents=True)
    (root / "solutions" / "curriculum.yaml").write_text("1_numbers: [tiny, later]\n")
    for name, text in {"lesson": LESSON, "checks": CHECKS, "variants": VARIANTS}.items():
        (folder / f"{name}.py").write_text(dedent(text).lstrip())
    return root


@pytest.fixture(scope="module")
def lesson(root):
    return lessons(root)[0]


@pytest.fixture
def unsolved(lesson):
    return unsolved_notebook(lesson)


def cell_of(notebook, grade_id):
    """The one cell of `notebook` with this id of nbgrader's."""
    [cell] = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id]
    return cell


def place_of(notebook, grade_id):
    return notebook.cells.index(cell_of(notebook, grade_id))


def answered(lesson, why=""):
    """The notebook of a student who knows the answers."""
    notebook = unsolved_notebook(lesson)
    for name in lesson.exercises:
        cell_of(notebook, name).source = lesson.answers()[name]
    if why:
        cell_of(notebook, "why").source += f"\n\n{why}"
    return notebook


# The notebooks


def test_solved_notebook_is_valid_and_the_same_each_time(lesson):
    notebook = solved_notebook(lesson)
    nbformat.validate(notebook)
    assert notebook_text(notebook) == notebook_text(solved_notebook(lesson))
    ids = [cell.id for cell in notebook.cells]
    assert ids == ["about", "text-1", "setup-1", "shown-1", "double", "check-double", "triple", "check-triple", "why"]
    assert notebook.cells[0].source == (
        "# Tiny\n\n*5 minutes · easy · the whole notebook runs within 10 s on two cores*"
    )
    assert cell_of(notebook, "check-double").metadata.nbgrader.points == 3
    assert cell_of(notebook, "why").metadata.nbgrader.points == 3


def test_unsolved_notebook_says_what_the_lesson_says(lesson, unsolved):
    nbformat.validate(unsolved)
    for cell in lesson.cells:
        if cell.name:
            assert cell_of(unsolved, cell.grade_id).source == cell.unsolved
    text = notebook_text(unsolved)
    assert "SOLUTION" not in text and "2 * number" not in text and "author says so" not in text


def test_written_file_is_what_nbformat_writes(tmp_path, unsolved):
    write_notebook(unsolved, tmp_path / "ours.ipynb")
    nbformat.write(unsolved, tmp_path / "theirs.ipynb")
    assert (tmp_path / "ours.ipynb").read_bytes() == (tmp_path / "theirs.ipynb").read_bytes()
    assert notebook_text(read_submission(tmp_path / "ours.ipynb")) == notebook_text(unsolved)


# What is taken from a student's notebook


def test_untouched_notebook_hands_in_stubs_and_nothing_else(lesson, unsolved):
    handed = answers_in(unsolved, lesson)
    assert handed.cells == tuple((name, lesson.exercise(name).unsolved) for name in ("double", "triple"))
    assert handed.written == {}


def test_own_cells_keep_their_place_and_the_courses_cells_stay_out(lesson):
    notebook = answered(lesson, "So.")
    notebook.cells.insert(place_of(notebook, "triple"), new_code_cell("helper = 1"))
    notebook.cells.append(new_code_cell("check('double'); check('triple')"))
    notebook.cells.append(new_code_cell("%matplotlib inline\ncheck('double')\nx = 1"))
    cell_of(notebook, "setup-1").source = "import os"  # locked: the course's own is run
    cell_of(notebook, "check-double").source = "3"
    notebook.cells[3].source += "\nmine = 2"  # a shown cell that was changed
    handed = answers_in(notebook, lesson)
    assert [name or source for name, source in handed.cells] == [
        'print("shown", math.pi)\nmine = 2', "double", "helper = 1", "triple",
        "%matplotlib inline\ncheck('double')\nx = 1",
    ]
    assert handed.written == {"why": "**Why?**\n\n*Your answer here.*\n\nSo."}


@pytest.mark.parametrize("stub_first", [True, False])
def test_a_copied_stub_costs_no_answer(lesson, stub_first):
    notebook = answered(lesson)
    place = place_of(notebook, "double")
    stub = copy.deepcopy(notebook.cells[place])
    stub.source = lesson.exercise("double").unsolved
    notebook.cells.insert(place + (not stub_first), stub)
    handed = answers_in(notebook, lesson)
    assert [name for name, _ in handed.cells] == ["double", "triple"]
    assert handed.answers == lesson.answers()


def test_a_split_cell_and_an_older_attempt_are_kept_before_the_answer(lesson):
    notebook = answered(lesson)
    place = place_of(notebook, "double")
    for source in ("factor = 2", "def double(number):\n    return 0"):
        part = copy.deepcopy(notebook.cells[place])
        part.source = source
        notebook.cells.insert(place, part)
    cells = answers_in(notebook, lesson).cells
    assert [name for name, _ in cells] == ["", "", "double", "triple"]
    assert cells[1] == ("", "factor = 2") and cells[2] == ("double", lesson.answers()["double"])


@pytest.mark.parametrize("source", [
    "def double(number):\n    return 2 * number",
    "%%time\ndef double(number):\n    return 2 * number",
    "double = lambda number: 2 * number",
    "double: object = lambda number: 2 * number",
])
@pytest.mark.parametrize("stub_stays", [True, False])
def test_an_answer_without_metadata_is_recognised_by_what_it_defines(lesson, unsolved, source, stub_stays):
    place = place_of(unsolved, "double")
    unsolved.cells.insert(place, new_code_cell(source))
    if not stub_stays:
        del unsolved.cells[place + 1]
    assert answers_in(unsolved, lesson).cells[0] == ("double", source)
    assert len(answers_in(unsolved, lesson).cells) == 2


def test_answers_turned_into_another_kind_of_cell_count(lesson):
    notebook = answered(lesson, "So.")
    for name, kind in (("double", new_markdown_cell), ("why", new_code_cell)):
        old = cell_of(notebook, name)
        notebook.cells[place_of(notebook, name)] = kind(old.source, metadata=old.metadata)
    handed = answers_in(notebook, lesson)
    assert handed.answers == lesson.answers() and "So." in handed.written["why"]


def test_lost_metadata_leaves_the_cell_ids(lesson):
    notebook = answered(lesson, "So.")
    for cell in notebook.cells:
        cell.metadata = {}
    handed = answers_in(notebook, lesson)
    assert handed.answers == lesson.answers() and "So." in handed.written["why"]
    assert len(handed.cells) == 2


@pytest.mark.parametrize("strange", [
    {"metadata": None}, {"metadata": {"nbgrader": 3}}, {"metadata": {"nbgrader": {"grade_id": ["double"]}}},
    {"metadata": {"nbgrader": {"schema_version": 99, "grade_id": "unknown"}}}, {"id": {}}, {"id": "double"},
    {"cell_type": 7}, {"source": None}, {"source": [1, "a = 1"]}, {"source": "a = '\ud800'"}, {"source": "(" * 5000},
    {"source": "check" + "(" * 100_000},
])
def test_strange_cells_do_no_harm(tmp_path, lesson, strange):
    notebook = json.loads(notebook_text(answered(lesson)))
    notebook["cells"] += [{"cell_type": "code", "source": "a = 1", **strange}, None, 3, []]
    notebook["cells"][1]["id"] = notebook["cells"][0]["id"]
    notebook["metadata"] = {}
    path = tmp_path / "tiny.ipynb"
    path.write_text(json.dumps(notebook))
    handed = answers_in(read_submission(path), lesson)
    assert handed.answers == lesson.answers()
    "".join(source for _, source in handed.cells).encode()


@pytest.mark.parametrize("content, words", [
    (None, "There is no tiny.ipynb"),
    (b"{", "not valid JSON"),
    (b"\xff\xfe\xff", "not valid JSON"),
    (b"[" * 100_000, "not valid JSON"),
    (b"", "not valid JSON"),
    (b"[]", "not a notebook"),
    (b'{"nbformat": 4}', "not a notebook"),
    (b'{"nbformat": "4", "cells": []}', "not a notebook"),
    (b'{"nbformat": 9, "cells": []}', "not a notebook"),
    (b'{"nbformat": 3, "worksheets": 3}', "not a notebook"),
    (b" " * (LARGEST_NOTEBOOK + 1), "larger than 20 MB"),
])
def test_no_notebook_is_a_problem_in_one_sentence(tmp_path, content, words):
    path = tmp_path / "tiny.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Problem, match=words):
        read_submission(path)


def test_links_folders_and_pipes_are_no_notebooks(tmp_path, unsolved):
    write_notebook(unsolved, tmp_path / "secret.ipynb")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    os.mkfifo(tmp_path / "pipe.ipynb")
    for name in ("link", "folder", "pipe"):
        with pytest.raises(Problem):
            read_submission(tmp_path / f"{name}.ipynb")


def test_format_3_and_a_byte_order_mark_are_read(tmp_path, lesson):
    old = nbformat.convert(answered(lesson), 3)
    path = tmp_path / "tiny.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + nbformat.v3.writes_json(old).encode())
    assert answers_in(read_submission(path), lesson).answers == lesson.answers()


# A course


def result(lesson, doubled=True, tripled=True):
    """The result of a submission whose exercises hold or not."""

    def exercise(name, holds):
        problem = None if holds else CheckProblem("<img src=x onerror=alert(1)> is not 8.", seen="<b>7</b>")
        checks = [CheckResult(f, f"It does `{f}`.", c.points, c.hidden, problem)
                  for f, c in lesson.checks.items() if c.exercise == name]
        return ExerciseResult(name, tuple(checks), hint="" if holds else "You square.")

    return Result("tiny", (exercise("double", doubled), exercise("triple", tripled)))


def hand_in(course, student, notebook):
    path = course / "submitted" / student / "tiny" / "tiny.ipynb"
    write_notebook(notebook, path)
    (path.parent / "timestamp.txt").write_text(STAMP)


def nbgrader(course, *arguments):
    """Runs stock nbgrader in the course, and gives what it printed."""
    done = subprocess.run([sys.executable, "-m", "nbgrader", *arguments], cwd=course, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def scores(course):
    return {row["student_id"]: float(row["score"]) for row in csv.DictReader(io.StringIO(grades_csv(course)))}


@pytest.fixture(scope="module")
def released(root, tmp_path_factory):
    """A course without students."""
    course = tmp_path_factory.mktemp("courses") / "numbers"
    assert release(root, course) == ["tiny"]
    return course


@pytest.fixture
def course(released, lesson, tmp_path):
    """A course with ada, who answers everything, bob, who has one exercise, cyd, who changed nothing, and dan, who
    handed in no notebook."""
    course = Path(shutil.copytree(released, tmp_path / "numbers"))
    hand_in(course, "ada", answered(lesson, "Because <script>alert(1)</script> [go](javascript:alert(1)), `a<b`."))
    hand_in(course, "bob", answered(lesson))
    hand_in(course, "cyd", unsolved_notebook(lesson))
    (course / "submitted" / "dan" / "tiny").mkdir(parents=True)
    (course / "submitted" / "dan" / "tiny" / "tiny.ipynb").write_text("{")
    record(course, graded(lesson), {"tiny": lesson})
    return course


def graded(lesson):
    return [
        Graded("ada", "1", result(lesson)),
        Graded("bob", "2", result(lesson, doubled=False)),
        Graded("cyd", "3", result(lesson, False, False)),
        Graded("dan", "4", Result("tiny", failed="tiny.ipynb is not valid JSON.")),
    ]


def score_by_hand(course, student, cell, score):
    """Does what formgrader does."""
    with open_gradebook(course) as gradebook:
        grade = gradebook.find_grade(cell, "tiny", "tiny", student)
        grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.db.commit()


def test_release_hands_out_the_learners_version(course, unsolved):
    folder = course / "release" / "tiny"
    assert (folder / "tiny.ipynb").read_text() == notebook_text(unsolved)
    assert "You square." in (folder / "checks" / "tiny.mistakes.json").read_text()
    checks = (folder / "checks" / "tiny.py").read_text()
    assert "test_double" in checks and "negative" not in checks
    assert "return 2 * number" in (course / "source" / "tiny" / "tiny.ipynb").read_text()


def test_scores_and_what_waits(course):
    assert scores(course) == {"ada": 5, "bob": 2, "cyd": 0, "dan": 0}
    assert waiting(course) == {("tiny", "why"): 1}
    assert written_scores(course)["ada", "tiny"] == {"why": (None, 3)}
    assert written_scores(course)["cyd", "tiny"] == {"why": (0, 3)}
    score_by_hand(course, "ada", "why", 2.5)
    assert written_scores(course)["ada", "tiny"] == {"why": (2.5, 3)}


def test_release_again_keeps_grades_and_settings(course, root):
    score_by_hand(course, "ada", "why", 2.5)
    settings = course / "nbgrader_config.py"
    settings.write_text(settings.read_text() + "c.Exchange.timezone = 'CET'\n")
    release(root, course)
    assert scores(course)["ada"] == 7.5 and "CET" in settings.read_text()


def test_recording_again_changes_nothing(course, lesson):
    score_by_hand(course, "ada", "why", 2.5)
    score_by_hand(course, "bob", "check-double", 1)
    files = {f: f.stat().st_mtime_ns for f in course.glob("autograded/**/*")}
    record(course, graded(lesson), {"tiny": lesson})
    assert scores(course) == {"ada": 7.5, "bob": 3, "cyd": 0, "dan": 0} and waiting(course) == {}
    assert files == {f: f.stat().st_mtime_ns for f in course.glob("autograded/**/*")}


def test_a_changed_answer_waits_again_and_keeps_its_score(course, lesson):
    score_by_hand(course, "ada", "why", 2.5)
    score_by_hand(course, "bob", "check-double", 1)
    hand_in(course, "ada", answered(lesson, "On second thought."))
    again = [Graded("ada", "5", result(lesson)), Graded("bob", "6", result(lesson))]
    for _ in range(2):
        record(course, again, {"tiny": lesson})
        assert scores(course)["ada"] == 7.5 and scores(course)["bob"] == 3
        assert waiting(course) == {("tiny", "why"): 1, ("tiny", "check-double"): 1}


def test_timestamps_and_comments(course):
    with open_gradebook(course) as gradebook:
        assert str(gradebook.find_submission("tiny", "ada").timestamp) == "2031-05-06 07:08:09"
        assert gradebook.find_submission("tiny", "dan").timestamp is None
        students = ("ada", "bob", "cyd", "dan")
        comments = {s: gradebook.find_comment("double", "tiny", "tiny", s).comment for s in students}
        assert gradebook.find_comment("why", "tiny", "tiny", "cyd").comment == "No response."
    assert comments["ada"] is None and comments["cyd"] == "No response."
    assert comments["dan"] == "Not graded. tiny.ipynb is not valid JSON."
    assert "It does `test_double`." in comments["bob"] and "You square." in comments["bob"]
    assert "<img" not in comments["bob"]
    assert (course / "autograded" / "ada" / "tiny" / "timestamp.txt").read_text() == STAMP


def test_late_penalties_are_nbgraders_own(course, lesson):
    settings = course / "nbgrader_config.py"
    settings.write_text(settings.read_text() + "c.LateSubmissionPlugin.penalty_method = 'zero'\n")
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_assignment("tiny", duedate="2031-05-01 00:00:00 UTC")
    record(course, graded(lesson), {"tiny": lesson})
    assert scores(course) == {"ada": 0, "bob": 0, "cyd": 0, "dan": 0}


def test_autograded_notebook_shows_answers_and_hides_hidden_checks(course, lesson):
    notebook = nbformat.read(course / "autograded" / "bob" / "tiny" / "tiny.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert cell_of(notebook, "double").source == lesson.answers()["double"]
    panel, score = cell_of(notebook, "check-double").outputs
    assert score.data["text/plain"] == "0.0" and "You square." in panel.text
    seen, hidden = [line for line in panel.text.splitlines() if line.startswith("✗")]
    assert seen.endswith("is not 8.") and hidden == "✗ It does `test_double_negative`."


def test_an_unknown_lesson_or_a_changed_one_is_a_problem(course, lesson, root):
    dearer = replace(lesson, cells=tuple(replace(c, points=c.points + 1) for c in lesson.cells))
    with pytest.raises(Problem, match="has changed since it was released"):
        record(course, graded(lesson), {"tiny": dearer})
    other = replace(lesson, slug="later")
    with pytest.raises(Problem, match="no lesson 'later' yet"):
        record(course, [Graded("ada", "1", Result("later"))], {"later": other})


def test_release_refuses_what_would_lose_grades(course, root, lesson, tmp_path):
    changed = tmp_path / "changed" / "solutions" / "1_numbers" / "tiny"
    changed.mkdir(parents=True)
    (changed.parent.parent / "curriculum.yaml").write_text("1_numbers: [tiny]\n")
    for file in lesson.folder.glob("*.py"):
        (changed / file.name).write_text(file.read_text().replace('written="why"', 'written="why_else"'))
    before = (course / "release" / "tiny" / "tiny.ipynb").read_bytes()
    with pytest.raises(Problem, match="in another course"):
        release(tmp_path / "changed", course)
    assert (course / "release" / "tiny" / "tiny.ipynb").read_bytes() == before


def test_no_course_is_a_problem(root, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    for name in ("file", "other"):
        with pytest.raises(Problem, match="is not a course"):
            release(root, tmp_path / name)
    with pytest.raises(Problem, match="is not a course"):
        grades_csv(tmp_path / "other")
    assert [f.name for f in (tmp_path / "other").iterdir()] == ["thesis.tex"]


def test_a_broken_gradebook_or_config_is_a_problem(root, course):
    (course / "gradebook.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Problem, match="gradebook"):
        grades_csv(course)
    (course / "nbgrader_config.py").write_text("c = nonsense(")
    with pytest.raises(Problem, match="cannot be read"):
        release(root, course)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_problem(root, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(Problem, match="cannot be written"):
        release(root, tmp_path / "course")


# Stock nbgrader


@pytest.mark.slow
def test_stock_nbgrader_reads_the_course(course):
    assert "tiny" in nbgrader(course, "db", "assignment", "list")
    nbgrader(course, "export", "--to=exported.csv")
    assert (course / "exported.csv").read_text() == grades_csv(course)
    nbgrader(course, "generate_feedback", "tiny")
    page = (course / "feedback" / "ada" / "tiny" / "tiny.html").read_text()
    assert "Score: 5.0 / 8.0" in page and "<script>alert(1)" not in page and 'href="javascript' not in page
    page = (course / "feedback" / "bob" / "tiny" / "tiny.html").read_text()
    assert "Score: 2.0 / 8.0" in page and "<img src=x" not in page and "You square." in page


@pytest.fixture
def formgrader(course, tmp_path):
    """Stock formgrader in a real server; gives a function that asks it."""
    runtime = tmp_path / "runtime"
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    command = [
        sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--ServerApp.root_dir={course}",
        "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
    ]
    with open(tmp_path / "server.log", "w") as log:
        server = subprocess.Popen(command, cwd=course, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not (found := list(runtime.glob("jpserver-*.json"))):
            assert server.poll() is None and time.monotonic() < until, (tmp_path / "server.log").read_text()
            time.sleep(0.1)
        about = json.loads(found[0].read_text())

        def ask(path, method="GET", **options):
            headers = {"Authorization": f"token {about['token']}"}
            return requests.request(method, f"{about['url']}formgrader/{path}", headers=headers, timeout=60, **options)

        yield ask
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.slow
def test_formgrader_shows_scores_and_grades_by_hand(formgrader, course, lesson):
    submitted = {s["student"]: s for s in formgrader("api/submitted_notebooks/tiny/tiny").json()}
    assert {s: n["score"] for s, n in submitted.items()} == {"ada": 5, "bob": 2, "cyd": 0, "dan": 0}
    assert [s for s, n in submitted.items() if n["needs_manual_grade"]] == ["ada"]
    states = {s["student"]: s["autograded"] for s in formgrader("api/submissions/tiny").json()}
    assert states == {"ada": True, "bob": True, "cyd": True, "dan": True}

    page = formgrader(f"submissions/{submitted['ada']['id']}/")
    assert page.status_code == 200 and "Because" in page.text
    assert "<script>alert(1)" not in page.text and 'href="javascript' not in page.text
    assert "double: 3 of 3" in page.text

    [grade] = [g for g in formgrader(f"api/grades?submission_id={submitted['ada']['id']}").json() if g["name"] == "why"]
    assert grade["needs_manual_grade"]
    given = formgrader(f"api/grade/{grade['id']}", "PUT", json={"manual_score": 2.5, "extra_credit": None})
    assert given.status_code == 200, given.text
    record(course, graded(lesson), {"tiny": lesson})
    assert scores(course)["ada"] == 7.5 and waiting(course) == {}


@pytest.mark.slow
def test_a_large_class_is_recorded(released, lesson, tmp_path):
    course = Path(shutil.copytree(released, tmp_path / "numbers"))
    notebook = answered(lesson, "So.")
    students = [f"student{number:03}" for number in range(300)]
    for student in students:
        hand_in(course, student, notebook)
    record(course, [Graded(student, "1", result(lesson)) for student in students], {"tiny": lesson})
    assert waiting(course) == {("tiny", "why"): 300}
