"""The demo's class: known before grading what everybody deserves, and graded so."""

import collections
import subprocess
import sys

import pytest
from conftest import REPOSITORY

from grader.curriculum import lessons
from grader.demo import LESSONS, make_class
from grader.variants import Mistake


def test_the_class_holds_every_variant(example):
    works = list(make_class([example]))
    assert len(works) == 24
    stories = collections.Counter(work.story for work in works)
    assert stories["perfect"] == 2 and stories["untouched"] == stories["invalid JSON"] == 1
    texts = "\n".join(work.text for work in works)
    for variant in example.variants:
        marker = "statistics" if variant.name == "statistics.fmean" else variant.text.split("(")[0]
        assert marker in texts, variant.name


@pytest.mark.slow
def test_every_mistake_of_its_lessons_is_made_by_somebody():
    for lesson in lessons(REPOSITORY, LESSONS):
        works = [work for work in make_class([lesson]) if "mistake" in work.story]
        made = sum(int(work.story.split()[0]) for work in works)
        assert made >= sum(isinstance(v, Mistake) for v in lesson.variants)


@pytest.mark.slow
def test_the_demo_grades_as_deserved_and_does_not_repeat_itself(tmp_path):
    command = [sys.executable, "-m", "grader", "demo", str(tmp_path / "demo")]
    first = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    count = 24 * len(LESSONS)
    assert first.stdout.strip().splitlines()[-1] == f"{count} of {count} as deserved", first.stdout + first.stderr
    assert f"{count} graded now, 0 unchanged" in first.stdout
    gradebook = (tmp_path / "demo" / "grades.csv").read_bytes()
    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert f"0 graded now, {count} unchanged" in again.stdout
    assert (tmp_path / "demo" / "grades.csv").read_bytes() == gradebook
