"""Every lesson against its variants, and `modules/` against `solutions/`."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import REPOSITORY

from grader.build import build, stale
from grader.curriculum import folders, lessons
from grader.verify import prove, prove_running, shortfalls

SLUGS = [folder.name for folder in folders(REPOSITORY)]


def complaints(proofs):
    return [f"{proof.version}: {text}" for proof in proofs for text in proof.complaints]


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_a_lesson_is_proven(slug):
    [lesson] = lessons(REPOSITORY, [slug])
    proofs = list(prove([lesson]))
    assert complaints(proofs) == []
    assert shortfalls(lesson, proofs) == []


@pytest.fixture(scope="module")
def runs():
    """Every solved notebook from top to bottom, two at a time because a kernel uses one core; the longest first."""
    with ThreadPoolExecutor(2) as pool:
        longest_first = sorted(lessons(REPOSITORY), key=lambda lesson: -lesson.seconds)
        yield {lesson.slug: pool.submit(prove_running, lesson) for lesson in longest_first}


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_a_whole_notebook_runs_within_its_time(runs, slug):
    assert complaints([runs[slug].result()]) == []


def test_the_example_for_authors_is_proven(example):
    proofs = list(prove([example]))
    assert complaints(proofs) == [] and shortfalls(example, proofs) == []
    assert [proof.named for proof in proofs].count(True) == len(example.mistakes)


def test_a_check_above_what_it_needs_is_found(example_root):
    """Grading runs all setup first; a learner runs the notebook from top to bottom."""
    source = example_root / "solutions" / "1_first" / "example" / "lesson.py"
    text = source.read_text().replace("return math.exp(-sum(log_probabilities) /", "return exp(-sum(log_probabilities) /")
    source.write_text(text + "\n# %% setup\nfrom math import exp\n")
    [lesson] = lessons(example_root)
    [complaint] = prove_running(lesson).complaints
    assert 'check("perplexity") does not hold where it stands' in complaint


def test_modules_are_up_to_date():
    assert stale(REPOSITORY) == []


def test_building_again_changes_nothing(example_root):
    assert len(build(example_root)[0]) == 2
    written = {p: p.read_bytes() for p in (example_root / "modules").rglob("*") if p.is_file()}
    assert build(example_root) == ([], [])
    for path in written:
        path.unlink()
    command = [sys.executable, "-m", "grader", "build"]  # another process, with other hash seeds
    subprocess.run(command, cwd=example_root, check=True, capture_output=True)
    assert {p: p.read_bytes() for p in written} == written


def test_what_learners_get_holds_no_answers_and_no_hidden_checks(example_root, example):
    build(example_root)
    texts = "".join(p.read_text() for p in (example_root / "modules").rglob("*") if p.is_file())
    assert "test_equal_choices" in texts
    assert "math.exp(-sum" not in texts and "test_empty" not in texts and "BEGIN SOLUTION" not in texts


def test_a_lesson_that_is_gone_leaves_modules(example_root):
    build(example_root)
    old = example_root / "modules" / "1_first" / "gone.ipynb"
    old.write_text((old.parent / "example.ipynb").read_text())
    mine = old.with_name("mine.ipynb")
    mine.write_text("{}")
    assert stale(example_root) == [old]
    build(example_root)
    assert not old.exists() and mine.exists()  # a learner's own notebook is none of ours
