"""`check` in a learner's notebook, in a real kernel."""

import subprocess
import sys
from pathlib import Path

import nbclient
import pytest

from grader.bench import with_checks
from grader.build import built_files
from grader.files import write_atomically
from grader.known import handed_out
from grader.notebooks import unsolved_notebook
from grader.submission import LocalLine, Session

WRONG = "def perplexity(log_probabilities):\n    return math.exp(sum(log_probabilities) / len(log_probabilities))"
RIGHT = WRONG.replace("math.exp(sum", 'math.exp(-sum').replace(
    "    return", '    if not log_probabilities:\n        raise ValueError("none")\n    return')


@pytest.fixture
def handout(tmp_path: Path, example) -> Path:
    """The folder that a student is handed: no solutions anywhere near."""
    folder = tmp_path / "handout"
    for name, text in built_files(example).items():
        write_atomically(folder / name, text)
    write_atomically(folder / "checks" / f"{example.slug}.mistakes.json", handed_out(example))
    return folder


def check_output(example, folder: Path, answer: str) -> dict[str, str]:
    """What the check cell shows, by kind, when the exercise is answered so."""
    notebook = unsolved_notebook(example)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    cells["perplexity"].source = answer
    client = nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True,
                                     resources={"metadata": {"path": str(folder)}})
    client.execute()
    [output] = cells["check-perplexity"].outputs
    assert output.output_type == "execute_result", output
    return dict(output.data)


def test_a_right_answer_passes_the_visible_checks(example, handout):
    shown = check_output(example, handout, RIGHT)
    assert shown["text/plain"] == "2.0"  # a number, for nbgrader; the other two points are hidden
    assert "does not hold" not in shown["text/html"]


def test_a_mistake_is_named_without_the_solutions(example, handout):
    shown = check_output(example, handout, WRONG)
    assert shown["text/plain"] == "0.0"
    assert "sign lost" in shown["text/html"] and "negative" in shown["text/html"]
    assert "does not hold" in shown["text/html"] and "perplexity([" in shown["text/html"]
    assert "Hint" in shown["text/html"]


def test_with_the_solutions_at_hand_hidden_checks_run_too(example, example_root):
    assert check_output(example, example_root, RIGHT)["text/plain"] == "4.0"
    assert check_output(example, example_root, WRONG)["text/plain"] == "1.0"


def test_in_a_terminal_the_panel_is_plain_text(example, handout):
    script = f"import math\nfrom grader import lesson\n{WRONG}\nlesson('{example.slug}')('perplexity')"
    run = subprocess.run([sys.executable, "-c", script], cwd=handout, capture_output=True, text=True, check=True)
    assert "does not hold" in run.stdout and "sign lost" in run.stdout and "<" not in run.stdout


def test_an_unknown_exercise_is_said_in_one_sentence(example, handout):
    script = f"from grader import lesson\nlesson('{example.slug}')('perplexitty')"
    run = subprocess.run([sys.executable, "-c", script], cwd=handout, capture_output=True, text=True)
    assert "There is no exercise 'perplexitty'" in run.stderr and "Traceback" not in run.stderr


def test_the_checks_of_two_lessons_in_one_process_are_kept_apart(tmp_path):
    collected = []
    for number in (1, 2, 1):
        checks = tmp_path / str(number) / "checks.py"
        checks.parent.mkdir(exist_ok=True)
        text = f"from grader.checks import check\n@check('f{number}')\ndef test_{len(collected)}():\n    '''Holds.'''\n"
        checks.write_text(text)
        session = Session(LocalLine({}))
        with_checks([checks], lambda bench: collected.extend(r.name for r in bench.run(checks, f"f{number}", session)[0]))
    assert collected == ["test_0", "test_1", "test_2"]
