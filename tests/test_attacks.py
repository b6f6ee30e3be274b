"""Every attack in `attacks/`, one file each, judged from outside: what it got, and that nothing outside was harmed.

A file says what it tries and what it deserves, of 4 points; after that come the submission's cells. `# right` stands for
the right answer, a word between `@` for a thing outside that is worth attacking. In `break_*.py` stands instead how a
right notebook, as data and as text, is broken. All of them are graded in one run on the machine as it is, and in another
as in a container that forbids namespaces.
"""

import functools
import json
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from reading import assert_inert

from grader.course.store import Graded
from grader.curriculum import lessons
from grader.grading import Job, grade_all
from grader.lessons import Lesson
from grader.new import new_lesson
from grader.notebooks import Handed, notebook_text, unsolved_notebook
from grader.pages import feedback_page, panel_html, report_page
from grader.results import Result
from grader.sandbox import Limits
from grader.sandbox.layers import broken_promises

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
LIMITS = Limits(cell=1.0, submission=15.0, memory=512 * 2**20, scratch=32 * 2**20)
RIGHT = """import math


def perplexity(log_probabilities):
    if not log_probabilities:
        raise ValueError("no words")
    return math.exp(-sum(log_probabilities) / len(log_probabilities))
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is nothing that could hold"),
]


@dataclass
class Outside:
    """What attacks are after, and what became of it."""

    folder: Path
    canary: Path
    process: subprocess.Popen
    targets: dict[str, object]
    visitors: list[str]


@dataclass
class Aftermath:
    """What a run of all attacks gave and left."""

    results: dict[str, Result]
    harm: list[str]


@pytest.fixture(scope="module", params=["as it is", "without namespaces"])
def aftermath(request, tmp_path_factory) -> Aftermath:
    folder = tmp_path_factory.mktemp("outside")
    root = folder / "curriculum"
    (root / "solutions").mkdir(parents=True)
    (root / "solutions" / "curriculum.yaml").write_text("1_first: [example]\n")
    checks = new_lesson(root, "1_first", "example") / "checks.py"
    checks.write_text(re.sub(r'(@check\("perplexity".*)\)', r"\1, seconds=1)", checks.read_text()))
    [lesson] = lessons(root)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="scratches-") as scratches:
        patch.setenv("GRADER_SECRET", "canary in the environment")
        patch.setattr(tempfile, "tempdir", scratches)
        os.chmod(scratches, 0o755)
        outside = _outside(folder, root / "solutions")
        before = _looks(outside)
        jobs = [Job("nobody's fault", lesson.slug, _handed("# right", outside))]
        for path in ATTACKS:
            broken = path.stem.startswith("break_")
            jobs.append(Job(path.stem, lesson.slug, _broken(path, lesson, folder) if broken else
                            _handed(path.read_text(), outside)))
        run = functools.partial(_run, request.param == "without namespaces", lesson, jobs)
        results = _elsewhere(run)
        harm = [f"{name}: {before[name]} became {now}" for name, now in _looks(outside).items() if now != before[name]]
        harm += [f"came to visit: {visitor}" for visitor in outside.visitors]
        harm += [f"left in scratch: {name}" for name in os.listdir(scratches)]
        outside.process.kill()
    return Aftermath(results, harm)


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_an_attack_gets_what_it_deserves(aftermath, path):
    said = dict(re.findall(r"^# (tries|deserves|is told): (.*)$", path.read_text(), re.M))
    result = aftermath.results[path.stem]
    problems = [check.problem.message for exercise in result.exercises for check in exercise.checks if check.problem]
    shown = f"{said['tries']}: {result.earned} points, {problems}, {[e.trouble for e in result.exercises]}"
    if said["deserves"] == "no grade":
        assert result.failed and not result.earned, shown
        return
    assert not result.failed, result.failed
    assert "STOLEN" not in " ".join(problems), shown
    most = float(said["deserves"].removeprefix("at most "))
    assert result.earned <= most if "at most" in said["deserves"] else result.earned == most, shown
    assert any(said.get("is told", "") in problem for problem in [*problems, ""]), shown


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_pages_about_an_attack_are_inert_and_short(aftermath, path):
    result = aftermath.results[path.stem]
    pages = [feedback_page(path.stem, "Example", result, {}), report_page("Course", [Graded(path.stem, "key", result)], {})]
    pages += [panel_html(exercise) for exercise in result.exercises]
    for page in pages:
        assert_inert(page)
        assert len(page.encode()) < 60_000
        assert not set(page) & set("\x00\x1b\u202e")


def test_nothing_outside_was_harmed_and_nothing_stayed(aftermath):
    assert not aftermath.harm


def test_whoever_shares_the_run_gets_everything(aftermath):
    assert aftermath.results["nobody's fault"].earned == 4


def test_every_promise_was_kept(aftermath):
    assert {tuple(broken_promises(result.layers)) for result in aftermath.results.values() if not result.failed} == {()}


def _outside(folder: Path, solutions: Path) -> Outside:
    canary = folder / "canary" / "canary"
    canary.parent.mkdir(mode=0o777)
    canary.write_text("alive")
    canary.chmod(0o666)
    visitors: list[str] = []
    listeners = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
    abstract = f"canary-{os.getpid()}-{folder.name}"
    listeners[1].bind(f"\0{abstract}")
    if len(str(canary)) < 90:
        listeners[2].bind(f"{canary}.socket")
    for listener in listeners:
        listener.listen()
        threading.Thread(target=_count, args=(listener, visitors), daemon=True).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(["sleep", "1000"])
    targets = {"SOLUTIONS": solutions, "CANARY": canary, "PORT": listeners[0].getsockname()[1], "FREE": port,
               "ABSTRACT": abstract, "PROCESS": process.pid, "GRADER": os.getpid()}
    return Outside(folder, canary, process, targets, visitors)


def _count(listener: socket.socket, visitors: list[str]) -> None:
    while True:
        connection, _ = listener.accept()
        visitors.append(str(listener.getsockname()))
        connection.close()


def _handed(text: str, outside: Outside) -> Handed:
    for name, target in outside.targets.items():
        text = text.replace(f"@{name}@", str(target))
    _, *cells = f"\n{text}".split("\n# %%\n") if "# %%" in text else ("", text)
    cells = [re.sub(r"^# right$", lambda _: RIGHT, cell, flags=re.M) for cell in cells]
    return Handed(tuple(("perplexity" if "def perplexity" in cell else "", cell) for cell in cells), {})


def _broken(path: Path, lesson: Lesson, folder: Path) -> Path:
    """The notebook that a `break_*.py` makes of a right one."""
    notebook = unsolved_notebook(lesson)
    for cell in notebook.cells:
        if "def perplexity" in cell.source:
            cell.source = RIGHT
    text = notebook_text(notebook)
    names: dict = {}
    exec(path.read_text(), names)  # noqa: S102 - ours
    made = names["broken"](json.loads(text), text)
    made = made if isinstance(made, (str, bytes)) else json.dumps(made)
    handed_in = folder / path.stem / "example.ipynb"
    handed_in.parent.mkdir()
    handed_in.write_bytes(made if isinstance(made, bytes) else made.encode())
    return handed_in


def _looks(outside: Outside) -> dict[str, object]:
    """What may not change by an attack."""
    us = psutil.Process()
    return {
        "canary": sorted((p.name, p.stat().st_mode, p.stat().st_mtime_ns, p.read_text())
                         for p in outside.canary.parent.iterdir() if p.is_file()),
        "process": (outside.process.poll(), psutil.Process(outside.process.pid).rlimit(psutil.RLIMIT_CPU)),
        "processes": sorted(p.name() for p in us.children(recursive=True)),
        "programs asleep": sum(p.info["cmdline"] == ["sleep", "1000"] for p in psutil.process_iter(["cmdline"])),
        "segments": Path("/proc/sysvipc/shm").read_text(),
        "shared memory": sorted(os.listdir("/dev/shm")),
        "environment": os.environ.get("LEFT_BEHIND"),
        "limits": us.rlimit(psutil.RLIMIT_CPU),
        "solutions": sorted(p.name for p in outside.targets["SOLUTIONS"].rglob("*") if p.suffix != ".pyc"),
        "disk": shutil.disk_usage(outside.folder).free // 2**33,
    }


def _elsewhere(run) -> dict[str, Result]:
    """Runs in a process of its own, because what is given up there stays given up."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=lambda: theirs.send(run()))
    process.start()
    theirs.close()
    results = ours.recv()
    process.join()
    return results


def _run(contained: bool, lesson, jobs) -> dict[str, Result]:
    if contained:
        _forbid_namespaces()
    return dict(grade_all([lesson], jobs, LIMITS, trusted=False))


def _forbid_namespaces() -> None:
    """As in a container that has no special rights."""
    import pyseccomp

    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in ("unshare", "setns", "mount", "umount2", "pivot_root", "chroot"):
        rules.add_rule(pyseccomp.ERRNO(1), name)
    rules.load()
