"""What a learner does in a terminal, through the command itself; `watch` in a real pseudo-terminal."""

import contextlib
import io
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
from conftest import REPOSITORY

from grader.build import build
from grader.command import main
from grader.files import write_atomically
from grader.known import handed_out
from grader.new import new_lesson
from grader.notebooks import notebook_text
from grader.progress import load, record_check
from grader.results import CheckResult, ExerciseResult, Problem

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


def grader(*words: str, folder: Path) -> subprocess.CompletedProcess:
    """Runs the command in `folder`, in this process: starting a new one takes longer than what most of them do."""
    said, complained, status = io.StringIO(), io.StringIO(), 0
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            main(words, standalone_mode=False)
        except SystemExit as end:  # as the interpreter does it
            status = end.code if isinstance(end.code, int) else 1
            if isinstance(end.code, str):
                print(end.code, file=complained)
    return subprocess.CompletedProcess(words, status, said.getvalue(), complained.getvalue())


def answered(path: Path, answer: str) -> str:
    """The text of a notebook whose exercise is answered so."""
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "perplexity")
    cell.source = cell.source.rpartition('"""')[0] + f'"""\n    {answer}'
    return notebook_text(notebook)


def fail_more(path: Path, times: int) -> None:
    """More attempts at the example that fail."""
    check = CheckResult("test", "It holds.", 1, False, Problem("no"))
    for _ in range(times):
        record_check(path, "example", ExerciseResult("perplexity", (check,)))


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
    write_atomically(notebook, answered(notebook, WRONG))
    run = grader("check", folder=root)
    assert run.returncode == 1 and run.stderr == "" and "sign lost" in run.stdout and "2 hints left" in run.stdout
    assert "hint 1 of 2" in grader("hint", folder=root).stdout
    assert "hint 2 of 2" in grader("hint", "example", "perplexity", folder=root).stdout
    run = grader("hint", folder=root)
    assert "made 1 attempt." in run.stdout and "math.exp" not in run.stdout
    fail_more(root / ".progress.json", 2)
    run = grader("hint", folder=root)
    assert "return math.exp(-sum" in run.stdout and "The perplexity of a text" in run.stdout
    write_atomically(notebook, answered(notebook, RIGHT))
    run = grader("check", "example/perplexity", folder=root)
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


def test_checks_that_somebody_has_edited(root, notebook):
    for text in ("def", "x = 1", "ABOUT = {'lesson': 'example'}"):
        (notebook.parent / "checks" / "example.py").write_text(text)
        run = grader("progress", folder=root)
        assert run.returncode == 1 and run.stderr.count("\n") == 1 and "grader build" in run.stderr


def test_without_the_solutions(root, notebook, example):
    folder = root.parent / "handed" / "example"
    shutil.copytree(notebook.parent, folder)
    (folder / "checks" / "another.py").unlink()
    (folder / "checks" / "example.mistakes.json").write_text(handed_out(example))
    write_atomically(folder / "example.ipynb", answered(folder / "example.ipynb", WRONG))
    run = grader("check", folder=folder.parent)
    assert run.returncode == 1 and "sign lost" in run.stdout and "hidden" not in run.stdout
    fail_more(folder / ".progress.json", 2)
    for _ in range(3):
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


def source(path: Path, grade_id: str) -> str:
    """What stands in one of the course's cells of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    [found] = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id]
    return found


def beside(path: Path) -> list[str]:
    """The texts of the copies that were kept of a notebook."""
    return [copy.read_text() for copy in sorted(path.parent.glob(f"{path.stem}.*-*-*.ipynb"))]


def test_reset(root, notebook):
    stub = source(notebook, "perplexity")
    run = grader("reset", "example/perplexity", folder=root)
    assert run.returncode == 0 and "nothing was changed" in run.stdout and beside(notebook) == []
    first, second = answered(notebook, RIGHT), answered(notebook, WRONG)
    for text in (first, second):
        notebook.write_text(text)
        run = grader("reset", "example", "perplexity", folder=root)
        assert run.returncode == 0 and "kept in modules/1_first/example." in run.stdout
        assert source(notebook, "perplexity") == stub
    assert sorted(beside(notebook)) == sorted([first, second])
    assert "modules/ is up to date" in grader("build", folder=root).stdout and len(beside(notebook)) == 2
    run = grader("reset", "example", folder=root)
    assert run.returncode == 1 and "example/perplexity" in run.stderr


def test_reset_when_the_cell_is_gone_or_doubled(root, notebook):
    whole = nbformat.read(notebook, as_version=4)
    [number] = [n for n, cell in enumerate(whole.cells) if cell.get("id") == "perplexity"]
    stub = whole.cells.pop(number)
    write_atomically(notebook, notebook_text(whole))
    assert grader("reset", "example/perplexity", folder=root).returncode == 0
    assert nbformat.read(notebook, as_version=4).cells[number].source == stub.source
    double = {**stub, "id": "double", "source": "perplexity = 3"}
    whole.cells[number:number] = [stub, nbformat.from_dict(double)]
    write_atomically(notebook, notebook_text(whole))
    assert grader("reset", "example/perplexity", folder=root).returncode == 0
    assert source(notebook, "perplexity") == stub.source


def change_lesson(root: Path) -> None:
    """A new version of the example: another docstring, another text, and another exercise before the old one."""
    path = root / "solutions" / "1_first" / "example" / "lesson.py"
    text = path.read_text().replace("at least one.", "one or more.").replace("## Perplexity", "## What perplexity is")
    new = '''# %% exercise="surprise"
def surprise(p):
    """The surprise."""
    ### BEGIN SOLUTION
    return -math.log(p)
    ### END SOLUTION

# %% check="surprise"

# %% exercise="perplexity"'''
    path.write_text(text.replace('# %% exercise="perplexity"', new))
    checks = path.with_name("checks.py")
    checks.write_text(checks.read_text() + '''

@check("surprise")
def test_certain(submission):
    """What is certain is no surprise."""
    assert_close(submission.surprise(1.0), 0.0, "no")
''')


def test_update_keeps_what_the_learner_wrote(root, notebook):
    text = answered(notebook, RIGHT)
    work = nbformat.reads(text, as_version=4)
    written = next(cell for cell in work.cells if cell.id == "meaning")
    written.source = "As unsure as among 20 words."
    position = next(number for number, cell in enumerate(work.cells) if cell.id == "perplexity")
    work.cells[position:position] = [nbformat.v4.new_code_cell("helper = 3"), nbformat.v4.new_markdown_cell("A note of mine.")]
    text = notebook_text(work)
    notebook.write_text(text)
    assert "up to date" in grader("update", folder=root).stdout and notebook.read_text() == text
    change_lesson(root)
    run = grader("build", folder=root)
    assert "left alone: modules/1_first/example.ipynb" in run.stdout and notebook.read_text() == text
    run = grader("update", folder=root)
    assert run.returncode == 0 and "perplexity, meaning, 2 of your own cells" in run.stdout, run.stderr
    assert beside(notebook) == [text]
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells]
    assert source(notebook, "perplexity") == source(Path(next(iter(notebook.parent.glob("example.2*")))), "perplexity")
    assert source(notebook, "meaning") == "As unsure as among 20 words."
    assert "raise NotImplementedError" in source(notebook, "surprise") and any("What perplexity is" in c for c in cells)
    assert cells.index("helper = 3") + 1 == cells.index("A note of mine.")
    assert "up to date" in grader("update", folder=root).stdout
    assert "up to date" in grader("build", folder=root).stdout and len(beside(notebook)) == 1
    assert "perplexity · 4 of 4 points" in grader("check", "example", folder=root).stdout


def test_update_replaces_what_nobody_has_touched(root, notebook):
    change_lesson(root)
    run = grader("update", folder=root)
    assert run.returncode == 0 and "new version: modules/1_first/example.ipynb\n" in run.stdout
    assert beside(notebook) == [] and grader("build", "--check", folder=root).returncode == 0


def test_a_notebook_from_before_notebooks_said_their_version(root, notebook):
    def without_version(text: str) -> str:
        old = nbformat.reads(text, as_version=4)
        del old.metadata["genai_pathways"]
        return notebook_text(old)

    text = notebook.read_text()
    notebook.write_text(without_version(text))
    grader("build", folder=root)
    assert notebook.read_text() == text
    mine = without_version(answered(notebook, RIGHT))
    notebook.write_text(mine)
    assert "left alone" in grader("build", folder=root).stdout and notebook.read_text() == mine
    assert "taken over: perplexity" in grader("update", folder=root).stdout and beside(notebook) == [mine]


def test_update_leaves_alone_what_cannot_be_read(root, notebook):
    notebook.write_text(answered(notebook, RIGHT)[:-100])
    text = notebook.read_text()
    change_lesson(root)
    run = grader("update", folder=root)
    assert run.returncode == 1 and "not valid JSON" in run.stderr and run.stderr.count("\n") == 1
    assert notebook.read_text() == text


def test_outputs_of_long_runs_survive_a_build(root, notebook):
    work = nbformat.read(notebook, as_version=4)
    code = next(cell for cell in work.cells if cell.cell_type == "code")
    code.outputs, code.execution_count = [nbformat.v4.new_output("stream", text="trained for an hour")], 1
    notebook.write_text(notebook_text(work))
    grader("build", folder=root)
    assert "trained for an hour" in notebook.read_text()


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_update_pulls_around_what_the_learner_wrote(root, notebook):
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "First version")
    clone = root.parent / "clone"
    git(root.parent, "clone", str(root), str(clone))
    mine = clone / notebook.relative_to(root)
    text = answered(mine, RIGHT)
    mine.write_text(text)
    change_lesson(root)
    build(root)
    git(root, "commit", "-am", "Second version")
    with pytest.raises(subprocess.CalledProcessError):
        git(clone, "pull")  # which is why
    run = subprocess.run([sys.executable, "-m", "grader", "update"], cwd=clone, capture_output=True, text=True)
    assert run.returncode == 0 and "Pulled 1 change from origin/main." in run.stdout, run.stderr
    assert "taken over: perplexity" in run.stdout and beside(mine) == [text]
    assert RIGHT in source(mine, "perplexity") and "raise NotImplementedError" in source(mine, "surprise")
    shutil.rmtree(root)
    run = grader("update", folder=clone)
    assert run.returncode == 0 and "Nothing was pulled" in run.stderr and "up to date" in run.stdout


def test_an_update_that_git_refuses_changes_nothing(root, notebook):
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "First version")
    clone = root.parent / "clone"
    git(root.parent, "clone", str(root), str(clone))
    mine = clone / notebook.relative_to(root)
    mine.write_text(answered(mine, RIGHT))
    text = mine.read_text()
    for place in (root, clone):
        (place / "solutions" / "notes.txt").write_text(str(place))
        git(place, "add", "solutions")
        git(place, "commit", "-m", "Parted")
    run = grader("update", folder=clone)
    assert "Nothing was pulled" in run.stderr and mine.read_text() == text and beside(mine) == []


def test_doctor(root):
    run = grader("doctor", folder=root)
    assert run.returncode == 0 and run.stderr == "", run.stdout
    for word in ("Python", "torch", "model", "corpus", "memory", "cores", "isolation: no network", "lessons: 2"):
        assert word in run.stdout


def test_doctor_says_what_is_missing(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch')")
    environment = {**os.environ, "GENAI_PATHWAYS_CACHE": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{REPOSITORY}"}
    command = [sys.executable, "-m", "grader", "doctor"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 1 and run.stderr == "grader: 2 things are missing that the lessons need.\n"
    assert "✗ missing  torch: not installed" in run.stdout and "pip install" in run.stdout
    assert "✗ missing  lessons" in run.stdout and "· later    model: not fetched yet" in run.stdout
