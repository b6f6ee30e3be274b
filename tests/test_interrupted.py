"""Nothing is lost: a grader that is killed at any moment, and started again, ends where an undisturbed one does."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from test_autograde import autograded, gradebook

from grader.course.grade import grade_course
from grader.course.gradebook import grades_csv
from grader.course.release import release
from grader.curriculum import lessons
from grader.demo import hand_in, make_class

KILLS, ROUNDS = 20, 2
STUDENTS = 12


@pytest.fixture
def course(example_root, example, tmp_path):
    """A course with the work of twelve students, one of them endless, one unreadable."""
    course = tmp_path / "course"
    release(example_root, course)
    works = {work.student: work for work in make_class([example])}
    special = ["edsger", "frances", "grace", "hedy", "jean"]
    for student in special + [name for name in works if name not in special][:STUDENTS - len(special)]:
        hand_in(course, works[student])
    return course


def start(course, scratch):
    """Starts `grader grade`, whose sandboxes work in `scratch`."""
    command = [sys.executable, "-m", "grader", "grade", "."]
    return subprocess.Popen(command, cwd=course, env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def finish(course, scratch):
    """Grades to the end; gives the last line said."""
    run = start(course, scratch)
    said = run.communicate(timeout=300)[0]
    assert run.returncode == 2, said  # one cannot be read
    return said.strip().splitlines()[-1]


def outcome(course):
    """What must not depend on interruptions."""
    pages = {f.parent.parent.name: f.read_text() for f in course.glob("feedback/*/example/*.html")}
    return gradebook(course), autograded(course), pages, grades_csv(course)


def processes_in(folder):
    """The processes that work somewhere in `folder`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


def wait_until_gone(folder):
    until = time.monotonic() + 60
    while left := processes_in(folder):
        assert time.monotonic() < until, left
        time.sleep(0.1)


@pytest.mark.slow
def test_killed_twenty_times(course, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fresh = Path(shutil.copytree(course, tmp_path / "fresh"))
    started = time.monotonic()
    assert finish(course, scratch).startswith("12 graded, 0 unchanged, 1 ")
    whole = time.monotonic() - started
    seed = random.randrange(10**6)
    print("seed", seed)  # shown when the test fails
    moments = random.Random(seed)
    for number in range(ROUNDS):
        copy = Path(shutil.copytree(fresh, tmp_path / f"killed{number}"))
        for _ in range(KILLS // ROUNDS):
            run = start(copy, scratch)
            time.sleep(moments.uniform(0.2, 1) * whole)
            run.kill()
            run.wait()
        finish(copy, scratch)
        assert outcome(copy) == outcome(course)
        assert finish(copy, scratch).startswith("0 graded, 12 unchanged")
        assert outcome(copy) == outcome(course)
        wait_until_gone(tmp_path)
        assert not list(copy.rglob(".*.part")) and not list(scratch.glob("submission-*"))


@pytest.mark.slow
def test_a_second_grader_says_that_there_is_a_first(course, tmp_path):
    first = start(course, tmp_path)
    until = time.monotonic() + 120
    while not list(course.glob("results/*/*.json")):
        assert time.monotonic() < until and first.poll() is None
        time.sleep(0.05)
    second = start(course, tmp_path)
    said = second.communicate(timeout=120)[0]
    assert second.returncode == 1 and "being graded by another run" in said, said
    said = first.communicate(timeout=300)[0]
    assert "12 graded, 0 unchanged" in said, said


@pytest.mark.slow
def test_what_changed_is_graded_again_and_nothing_else(course, example, example_root, monkeypatch):
    for student in ("grace", "frances", "jean", "edsger", "alan", "barbara", "claude", "donald"):
        shutil.rmtree(course / "submitted" / student)  # slow ones, and more than it takes

    def graded():
        run = grade_course(course, lessons(example_root))
        return run.graded, run.unchanged

    everything = len(list((course / "submitted").iterdir()))
    assert graded() == (everything, 0)
    assert graded() == (0, everything)
    notebook = course / "submitted" / "ada" / "example" / "example.ipynb"
    notebook.write_text(notebook.read_text().replace("return ", "return 2 * ", 1))
    assert graded() == (1, everything - 1)
    for file in ("checks.py", "variants.py", "lesson.py"):
        path = example.folder / file
        path.write_text(path.read_text() + "\n")
        assert graded() == (everything, 0)
        assert (course / "solutions" / "1_first" / "example" / file).read_text() == path.read_text()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "another")
    assert graded() == (everything, 0)
