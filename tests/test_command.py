"""The command `grader`: bad input is one sentence on stderr and a status that is not zero, and nothing is half-written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.build import build
from grader.notebooks import notebook_text, solved_notebook, unsolved_notebook


def grader(*words: object, folder: Path) -> subprocess.CompletedProcess:
    """Runs the command in `folder`."""
    command = [sys.executable, "-m", "grader", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def assert_refused(run: subprocess.CompletedProcess, *said: str) -> None:
    assert run.returncode != 0
    assert "Traceback" not in run.stderr + run.stdout
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, run.stderr
    for words in said:
        assert words in lines[0]


@pytest.fixture
def course(example_root: Path) -> Path:
    """A released course, nobody's work in it yet."""
    run = grader("release", "course", folder=example_root)
    assert run.returncode == 0, run.stderr
    return example_root / "course"


def submit(course: Path, student: str, text: str) -> Path:
    path = course / "submitted" / student / "example" / "example.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_outside_a_curriculum(tmp_path):
    assert_refused(grader("build", folder=tmp_path), "solutions/curriculum.yaml")


def test_an_unknown_lesson(example_root):
    assert_refused(grader("verify", "attentoin", folder=example_root), "attentoin", "example")


def test_a_course_that_is_not_one(example_root):
    (example_root / "elsewhere").mkdir()
    for command in ("grade", "report"):
        assert_refused(grader(command, "elsewhere", folder=example_root), "elsewhere", "grader release")
        assert_refused(grader(command, "missing", folder=example_root), "missing", "grader release")


def test_build_check_says_what_is_stale(example_root):
    run = grader("build", "--check", folder=example_root)
    assert run.returncode != 0 and "grader build" in run.stderr and "example.ipynb" in run.stdout
    build(example_root)
    assert grader("build", "--check", folder=example_root).returncode == 0


def test_new_starts_a_lesson_that_can_be_proven(example_root):
    (example_root / "solutions" / "curriculum.yaml").write_text("1_first: [example, another]\n")
    assert grader("new", "1_first", "another", folder=example_root).returncode == 0
    run = grader("verify", "another", "--no-notebook", folder=example_root)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 mistakes, 5 of them named" in run.stdout
    assert_refused(grader("new", "1_first", "another", folder=example_root), "there already")
    assert_refused(grader("new", "1_first", "unlisted", folder=example_root), "curriculum.yaml")
    assert_refused(grader("new", "9_none", "another", folder=example_root), "1_first")


def test_verify_complains_about_a_mistake_that_passes(example_root, example):
    variants = example.folder / "variants.py"
    variants.write_text(variants.read_text().replace('right="-sum", wrong="sum"', 'right="-sum", wrong="-1 * sum"'))
    run = grader("verify", "--no-notebook", folder=example_root)
    assert run.returncode == 1
    assert "perplexity should lose marks" in run.stdout


@pytest.mark.slow
def test_unreadable_submissions_are_results_with_a_reason(example_root, course, example):
    submit(course, "good", notebook_text(solved_notebook(example)))
    submit(course, "json", notebook_text(unsolved_notebook(example))[:-50])
    submit(course, "foreign", json.dumps({"cells": "none"}))
    (course / "submitted" / "missing" / "example").mkdir(parents=True)
    run = grader("grade", "course", folder=example_root)
    assert run.returncode == 2
    assert "4 graded, 0 unchanged, 3 could not be graded." in run.stdout
    assert "Traceback" not in run.stderr
    grades = (course / "grades.csv").read_text()
    assert grades.count("\n") == 5
    again = grader("grade", "course", folder=example_root)
    assert "0 graded, 4 unchanged, 3 could not be graded." in again.stdout
    for page in ("report.html", "feedback/good/example/example.html", "feedback/json/example/example.html"):
        assert (course / page).is_file()


WITHOUT_LAYERS = """
import runpy, sys
import pyseccomp

rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
for name in ("unshare", "setns", "mount", "chroot", "pivot_root", "landlock_create_ruleset", "seccomp"):
    rules.add_rule(pyseccomp.ERRNO(1), name)
rules.add_rule(pyseccomp.ERRNO(1), "prctl", pyseccomp.Arg(0, pyseccomp.EQ, 22))  # PR_SET_SECCOMP
rules.load()
sys.argv = ["grader", *sys.argv[1:]]
runpy.run_module("grader", run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing holds anyway")
def test_other_peoples_work_is_refused_where_nothing_would_hold_it(example_root, course, example):
    submit(course, "good", notebook_text(solved_notebook(example)))

    def grade(*words):
        command = [sys.executable, "-c", WITHOUT_LAYERS, "grade", "course", *words]
        return subprocess.run(command, cwd=example_root, capture_output=True, text=True, timeout=300)

    refused = grade()
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    for words in ("no network, no files of others", "bounded resources", "Linux 5.13", "--trust-submissions"):
        assert words in refused.stderr
    assert not list((course / "results").rglob("*.json"))
    trusted = grade("--trust-submissions")
    assert trusted.returncode == 0, trusted.stderr
    assert "1 graded" in trusted.stdout


@pytest.mark.slow
def test_a_read_only_course(example_root, course):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    course.chmod(0o500)
    try:
        assert_refused(grader("grade", "course", folder=example_root), "course")
    finally:
        course.chmod(0o700)
