"""What a learner does in a terminal, through the command itself; `watch` in a real pseudo-terminal."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from grader.build import build
from grader.files import write_atomically
from grader.known import handed_out
from grader.new import new_lesson
from grader.notebooks import notebook_text
from grader.progress import load

STUB = "raise NotImplementedError"
RIGHT = """if not log_probabilities:
        raise ValueError("none")
    return math.exp(-sum(log_probabilities) / len(log_probabilities))"""
WRONG = RIGHT.replace("-sum", "sum")  # the known mistake "sign lost"


@pytest.fixture
def root(example_root: Path) -> Path:
    """A checkout with two lessons of one exercise each, built."""
    (example_root / "solutions" / "curriculum.yaml").write_text("1_first: [example, another]\n")
    new_lesson(example_root, "1_first", "another")
    build(example_root)
    return example_root


@pytest.fixture
def notebook(root: Path) -> Path:
    return root / "modules" / "1_first" / "example.ipynb"


def grader(*words: object, folder: Path) -> subprocess.CompletedProcess:
    """Runs the command in `folder`."""
    command = [sys.executable, "-m", "grader", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def answered(path: Path, answer: str) -> str:
    """The text of a notebook whose exercise is answered so."""
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "perplexity")
    cell.source = cell.source.rpartition('"""')[0] + f'"""\n    {answer}'
    return notebook_text(notebook)


class Terminal:
    """A command in a pseudo-terminal, as a person uses it: reads what it says, and presses keys."""

    def __init__(self, *words: str, folder: Path):
        self._pid, self._end = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execv(sys.executable, [sys.executable, "-m", "grader", *words])
        self.said, self.status = "", None

    def press(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def read_until(self, text: str, seconds: float = 60) -> str:
        """What is said from here on until `text`."""
        begun, until = len(self.said), time.monotonic() + seconds
        while text not in self.said[begun:]:
            assert time.monotonic() < until, f"no {text!r} in {self.said[begun:]!r}"
            if select.select([self._end], [], [], 0.1)[0]:
                self.said += os.read(self._end, 10_000).decode().replace("\r\n", "\n")
        return self.said[begun:]

    def wait(self) -> int:
        """The status with which the command ends."""
        self.status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self.status

    def close(self) -> None:
        if self.status is None:
            os.kill(self._pid, signal.SIGKILL)
            self.wait()
        os.close(self._end)


@pytest.fixture
def watching(root: Path) -> Iterator[Terminal]:
    terminal = Terminal("watch", folder=root)
    yield terminal
    terminal.close()


END = "q quit"  # the last words of everything that `watch` says


def test_watch(root, notebook, watching):
    assert "not written yet" in watching.read_until(END)
    write_atomically(notebook, answered(notebook, WRONG))  # a whole new file, as some editors write
    shown = watching.read_until(END)
    assert "✗ does not hold" in shown and "This looks like: sign lost" in shown and "exercise 1 of 1" in shown
    assert "press h" in shown
    watching.press("h")
    assert "hint 1 of 2" in watching.read_until(END)
    watching.press("H")
    assert "hint 2 of 2" in watching.read_until(END)
    mended = answered(notebook, RIGHT)
    notebook.write_text(mended[:-300])  # an editor that writes in place is not through
    assert "Waiting for the file to be complete" in watching.read_until(END)
    notebook.write_text(mended)
    shown = watching.read_until(END)
    assert "4 of 4 points" in shown and "Press n to go on" in shown
    watching.press("l")
    shown = watching.read_until(END)
    assert "1 of 1 exercise · done" in shown and "0 of 1 exercise" in shown and "1 of 2 lessons done" in shown
    watching.press("n")
    shown = watching.read_until(END)
    assert "another · exercise 1 of 1" in shown and "not written yet" in shown
    watching.press("q")
    assert watching.wait() == 0
    noted = load(root / ".progress.json")["example"]["perplexity"]
    assert (noted.attempts, noted.hints, noted.solved) == (1, 2, True)


def test_watch_ends_quietly_with_ctrl_c(watching):
    watching.read_until(END)
    watching.press("\x03")
    assert "goes on from here" in watching.read_until("here.")
    assert watching.wait() == 0 and "Traceback" not in watching.said


def test_watch_without_a_terminal(root):
    run = grader("watch", folder=root)
    assert run.returncode == 1 and run.stderr.count("\n") == 1 and "grader check" in run.stderr


def test_check_hint_progress_and_next(root, notebook):
    assert "Next: `perplexity`, exercise 1 of 1 in example" in grader("next", folder=root).stdout
    run = grader("check", folder=root)
    assert run.returncode == 1 and "not written yet" in run.stdout and "2 hints left" in run.stdout
    write_atomically(notebook, answered(notebook, WRONG))
    for words in (["example"], ["example", "perplexity"], ["example/perplexity"]):
        run = grader("check", *words, folder=root)
        assert run.returncode == 1 and "sign lost" in run.stdout and run.stderr == ""
    assert "hint 1 of 2" in grader("hint", folder=root).stdout
    assert "hint 2 of 2" in grader("hint", "example", "perplexity", folder=root).stdout
    run = grader("hint", folder=root)
    assert "made 1 attempt." in run.stdout and "math.exp" not in run.stdout  # the same answer counts once
    for number in (2, 3):
        write_atomically(notebook, answered(notebook, WRONG + f"  # {number}"))
        grader("check", "example", folder=root)
    run = grader("hint", folder=root)
    assert "return math.exp(-sum" in run.stdout and "The perplexity of a text" in run.stdout
    write_atomically(notebook, answered(notebook, RIGHT))
    run = grader("check", "example", folder=root)
    assert run.returncode == 0 and "4 of 4 points" in run.stdout
    assert "in another" in grader("next", folder=root).stdout
    assert "[####################]  1 of 1 exercise · done" in grader("progress", folder=root).stdout
    (root / ".progress.json").unlink()
    assert "0 of 2 lessons done" in grader("progress", folder=root).stdout
    assert grader("check", "example", folder=root).returncode == 0
    assert "1 of 2 lessons done" in grader("progress", folder=root / "modules" / "1_first").stdout


def test_words_that_mean_nothing_or_too_much(root):
    for words, said in ((["attentoin"], "the lessons are: example, another"), (["perplexity"], "example and of another"),
                        (["example", "softmax"], "there are: perplexity"), (["a", "b", "c"], "no lesson 'a'")):
        run = grader("check", *words, folder=root)
        assert run.returncode == 1 and run.stderr.count("\n") == 1 and said in run.stderr


def test_without_the_solutions(root, notebook, example):
    folder = root.parent / "handed" / "example"
    shutil.copytree(notebook.parent, folder)
    (folder / "checks" / "another.py").unlink()
    (folder / "checks" / "example.mistakes.json").write_text(handed_out(example))
    write_atomically(folder / "example.ipynb", answered(folder / "example.ipynb", WRONG))
    for place in (folder, folder.parent):
        run = grader("check", folder=place)
        assert run.returncode == 1 and "sign lost" in run.stdout and "hidden" not in run.stdout
    for number in range(3):
        write_atomically(folder / "example.ipynb", answered(folder / "example.ipynb", WRONG + f"  # {number}"))
        grader("check", folder=folder)
        run = grader("hint", folder=folder)
    assert "not in this folder" in run.stdout
    write_atomically(folder / "example.ipynb", answered(folder / "example.ipynb", RIGHT))
    assert grader("check", folder=folder).returncode == 0
    assert "Every exercise" in grader("next", folder=folder.parent).stdout
    assert json.loads((folder / ".progress.json").read_text())["example"]["perplexity"]["solved"] is True


def test_where_there_are_no_lessons(tmp_path):
    for command in ("check", "hint", "progress", "next", "watch"):
        run = grader(command, folder=tmp_path)
        assert run.returncode == 1 and run.stderr.count("\n") == 1 and "no lessons here" in run.stderr
