"""A learner's own file: what is kept in it, and that nothing depends on it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grader.build import built_files
from grader.files import write_atomically
from grader.problems import Problem
from grader.progress import Progress, load, progress_file, record_check, record_hints, record_reset
from grader.results import NOT_WRITTEN, CheckResult, ExerciseResult
from grader.results import Problem as CheckProblem

WRONG = "def perplexity(log_probabilities):\n    return math.exp(sum(log_probabilities) / len(log_probabilities))"
RIGHT = WRONG.replace("math.exp(sum", "math.exp(-sum")


def result(earned: int, message: str = "no") -> ExerciseResult:
    """The result of an exercise with three checks of a point each."""
    problems = [None if number < earned else CheckProblem(message) for number in range(3)]
    return ExerciseResult("softmax", tuple(CheckResult(f"test_{n}", "It holds.", 1, False, p) for n, p in enumerate(problems)))


def check(folder: Path, answer: str) -> subprocess.CompletedProcess:
    """What a learner's script in `folder` says that checks its answer to the example."""
    script = f"import math\nfrom grader import lesson\n{answer}\nlesson('example')('perplexity', hints=1)"
    return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)


def test_history_of_an_exercise(tmp_path):
    path = tmp_path / ".progress.json"
    record_check(path, "attention", result(0, NOT_WRITTEN))
    assert load(path)["attention"]["softmax"].attempts == 0  # nobody has tried yet
    record_check(path, "attention", result(1))
    record_check(path, "attention", result(0))
    record_hints(path, "attention", "softmax", 2)
    record_hints(path, "attention", "softmax", 1)
    seen = load(path)["attention"]["softmax"]
    assert (seen.attempts, seen.hints, seen.best, seen.points, seen.solved, seen.first_solved) == (2, 2, 1, 3, False, "")
    solved = record_check(path, "attention", result(3))
    assert solved.solved and solved.first_solved and solved == load(path)["attention"]["softmax"]
    broken = record_check(path, "attention", result(2))
    assert not broken.solved and broken.first_solved == solved.first_solved and (broken.best, broken.attempts) == (3, 3)
    assert record_reset(path, "attention", "softmax").best == 3
    record_check(path, "reliability", result(3))
    assert set(load(path)) == {"attention", "reliability"}


def test_the_same_answer_twice_in_a_row_is_one_attempt(tmp_path):
    path = tmp_path / ".progress.json"
    for answer in ("a", "a", "b", "a"):
        record_check(path, "attention", result(1), answer)
    assert load(path)["attention"]["softmax"].attempts == 3


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"attention": 3}', '{"attention": {"softmax": []}}', "[" * 9999,
                                  '{"attention": {"softmax": {"attempts": "many", "best": true, "new": 1}}}', "\udcff"])
def test_a_broken_file_counts_as_none(tmp_path, text):
    path = tmp_path / ".progress.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert load(path).get("attention", {}).get("softmax", Progress()) == Progress()
    assert record_check(path, "attention", result(1)).attempts == 1
    assert load(path)["attention"]["softmax"].attempts == 1


def test_several_writers_lose_nothing(tmp_path):
    path = tmp_path / ".progress.json"
    script = """
import sys
from pathlib import Path
from grader.progress import record_hints
for number in range(20):
    record_hints(Path(sys.argv[1]), sys.argv[2], f"exercise {number}", 1)
"""
    writers = [subprocess.Popen([sys.executable, "-c", script, path, f"lesson {number}"]) for number in range(3)]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            json.loads(path.read_text())  # never a part of it
    assert [len(exercises) for exercises in load(path).values()] == [20, 20, 20]


def test_a_check_in_a_checkout_is_noted_down_beside_modules(example_root):
    folder = example_root / "modules" / "1_first"
    folder.mkdir(parents=True)
    check(folder, WRONG)
    [(slug, exercises)] = load(example_root / ".progress.json").items()
    noted = exercises["perplexity"]
    assert (slug, noted.attempts, noted.hints, noted.best, noted.points) == ("example", 1, 1, 1, 4)
    assert progress_file(folder) == example_root.resolve() / ".progress.json"


def test_a_check_without_the_solutions_is_noted_down_beside_the_checks(tmp_path, example):
    folder = tmp_path / "handout"
    for name, text in built_files(example).items():
        write_atomically(folder / name, text)
    check(folder, RIGHT)
    noted = load(folder / ".progress.json")["example"]["perplexity"]
    assert noted.solved and noted.points == 2  # the visible ones


def test_a_file_that_cannot_be_written_stops_no_check(example_root):
    (example_root / ".progress.json").mkdir()
    assert "does not hold" in check(example_root, WRONG).stdout
    with pytest.raises(Problem, match="cannot be written"):
        record_check(example_root / ".progress.json", "example", result(1))
