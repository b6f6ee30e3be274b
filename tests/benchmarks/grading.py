"""What grading costs: our grader, stock nbgrader and the floor side by side, on one class of the lesson `attention`.

- Ours: `grader grade` from start to end (checks, gradebook, feedback, report), with one worker and with two.
- nbgrader: its own executor on a notebook of the same setup and solved cells with an `assert callable(…)` in place of
  each check, which flatters it; a handful of submissions, because each takes seconds.
- Floor: a fork of a warm process that only executes the cells, nothing around it and nothing checked. And, because the
  checks call what the cells define some hundred times, the same with all checks run in that fork, unprotected.

Processor time is that of every process that somebody waits for, and of each sandbox, for which nobody does, what it had
used when it was ended; the kernel tells that in hundredths of a second, rounded down. Memory is the proportional share
of all processes, looked at twice a second.
"""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path

import psutil

import grader
from grader import grading
from grader.bench import Bench, with_checks
from grader.command import main as command
from grader.course.release import release
from grader.curriculum import lessons, root
from grader.demo import Work, make_class
from grader.demo import hand_in as hand_in_work
from grader.files import write_atomically
from grader.lessons import Lesson
from grader.notebooks import notebook_text, unsolved_notebook
from grader.sandbox.warm import warm_up
from grader.submission import LocalLine, Session

SLUG = "attention"
SMALL, LARGE = 20, 200
STOCK = 5  # submissions to nbgrader
FORKS = 50
CORES = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Cost:
    """What a command used: seconds of wall and of processor time, and bytes at its peak."""

    wall: float
    cpu: float
    peak: int


def main() -> None:
    lesson = lessons(root(), [SLUG])[0]
    print(f"{len(CORES)} cores, load {os.getloadavg()[0]:.1f} before the start", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        floor, checked = floor_seconds(lesson, False), floor_seconds(lesson, True)
        stock = (nbgrader(lesson, Path(folder, "stock"), STOCK) - nbgrader(lesson, Path(folder, "one"), 1)) / (STOCK - 1)
        ours = {(size, workers): grade(lesson, Path(folder, f"{size}-{workers}"), size, workers)
                for size, workers in product((SMALL, LARGE), (1, 2))}
    each = {run: cost.cpu / run[0] for run, cost in ours.items()}
    added = (ours[LARGE, 1].cpu - ours[SMALL, 1].cpu) / (LARGE - SMALL)
    print(f"\n{'':<44}{'processor s':>12}{'wall s':>10}{'a submission':>14}")
    for (size, workers), cost in ours.items():
        print(f"{f'ours, {size} submissions, {workers} worker(s)':<44}{cost.cpu:12.2f}{cost.wall:10.2f}"
              f"{each[size, workers]:14.3f}")
    print(f"{'ours, each one more':<44}{'':22}{added:14.3f}")
    print(f"{'nbgrader, each one more':<44}{'':22}{stock:14.3f}")
    print(f"{'floor: the cells':<44}{'':22}{floor:14.3f}")
    print(f"{'floor: the cells and the checks':<44}{'':22}{checked:14.3f}\n")
    print(f"ours to the cells            {added / floor:6.1f}   (aim: at most 3)")
    print(f"ours to cells and checks     {added / checked:6.1f}")
    print(f"nbgrader to ours             {stock / added:6.1f}   (aim: at least 40)")
    one, two = (ours[LARGE, workers].wall - ours[SMALL, workers].wall for workers in (1, 2))
    print(f"two workers to one, speed    {one / two:6.2f}   (aim: at least 1.8; with start and end, for all {LARGE}: "
          f"{ours[LARGE, 1].wall / ours[LARGE, 2].wall:.2f})")
    print(f"memory a worker more         {(ours[LARGE, 2].peak - ours[LARGE, 1].peak) / 2**20:6.0f} MB (aim: below 150)")


def floor_seconds(lesson: Lesson, check: bool) -> float:
    """Processor seconds of a fork that runs the setup and the solved cells, and checks them or not, at the middle of
    many."""
    cells = [c.source for c in lesson.cells if c.role == "setup"] + list(lesson.answers().values())
    reading, writing = os.pipe()
    if os.fork() == 0:  # so that the benchmark itself does not hold torch
        grader.lesson = lambda slug: lambda name: 0.0  # as in a sandbox: nobody sets up checks for the learner
        shell, seconds = warm_up(), []

        def body(bench: Bench) -> None:
            for _ in range(FORKS):
                if (child := os.fork()) == 0:
                    for source in cells:
                        shell.run_cell(source, store_history=False, silent=True).raise_error()
                    for name in lesson.exercises if check else ():
                        results, _ = bench.run(checks, name, Session(LocalLine(shell.user_ns)))
                        assert all(result.holds for result in results)
                    os._exit(0)
                _, status, used = os.wait4(child, 0)
                assert status == 0
                seconds.append(used.ru_utime + used.ru_stime)

        checks = lesson.folder / "checks.py"
        with_checks([checks], body)
        os.write(writing, str(sorted(seconds)[FORKS // 2]).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as result:
        text = result.read()
    os.wait()
    return float(text)


def grade(lesson: Lesson, course: Path, size: int, workers: int) -> Cost:
    """What `grader grade` costs for a class of this size: right, different, mistaken and untouched work."""
    release(root(), course, [SLUG])
    for work in students(lesson, size):
        hand_in_work(course, work)
    return measured([sys.executable, __file__, "grade", str(course.resolve())], root(), workers)


def students(lesson: Lesson, size: int) -> Iterator[Work]:
    """Work that takes no longer than it needs: without the demo's endless loop and its unreadable notebook."""
    works = [work for work in make_class([lesson]) if work.story not in ("endless loop", "invalid JSON")]
    for number, work in enumerate(islice(cycle(works), size)):
        yield Work(f"student{number:04}", work.lesson, work.story, work.deserved, work.text)


def nbgrader(lesson: Lesson, course: Path, size: int) -> float:
    """Processor seconds of stock nbgrader for a class of `size` right submissions."""
    release(root(), course, [SLUG])
    config = course / "nbgrader_config.py"
    config.write_text("\n".join(x for x in config.read_text().splitlines() if "exporter_class" not in x))
    shutil.rmtree(course / "source" / SLUG / "checks", ignore_errors=True)
    notebook = unsolved_notebook(lesson)
    notebook.cells = [c for c in notebook.cells if "nbgrader" in c.metadata]
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id
        if name.startswith("check-"):
            cell.source = f"assert callable({name.removeprefix('check-')})"
        elif name in lesson.exercises:
            cell.source = lesson.answers()[name]
    write_atomically(course / "source" / SLUG / f"{SLUG}.ipynb", notebook_text(notebook))
    stock = [sys.executable, "-m", "nbgrader"]
    subprocess.run([*stock, "generate_assignment", SLUG, "--force"], cwd=course, check=True, capture_output=True)
    for number in range(size):
        path = course / "submitted" / f"student{number}" / SLUG / f"{SLUG}.ipynb"
        write_atomically(path, notebook_text(notebook))
    return measured([*stock, "autograde", SLUG], course, 2).cpu


def measured(command: list[str], folder: Path, workers: int) -> Cost:
    """Runs `command` on so many cores and tells what it and all that it started used."""
    with tempfile.NamedTemporaryFile("r+") as sandboxes, tempfile.TemporaryFile("r+") as said:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "SANDBOX_SECONDS": sandboxes.name}
        before, started, peak = _waited_for(), time.monotonic(), 0
        process = psutil.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said,
                               preexec_fn=lambda: os.sched_setaffinity(0, CORES[:workers]))
        while True:
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(0.5)
                break
            peak = max(peak, _memory(process))
        wall = time.monotonic() - started
        said.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()}")
        return Cost(wall, _waited_for() - before + sum(map(float, sandboxes)), peak)


def _waited_for() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(process: psutil.Process) -> int:
    total = 0
    with contextlib.suppress(psutil.Error):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += one.memory_full_info().pss
    return total


class CountedSandbox(grading.Sandbox):
    """Writes down what it used."""

    def end(self) -> None:
        was_alive = self.alive
        super().end()
        if was_alive:
            with open(os.environ["SANDBOX_SECONDS"], "a") as file:
                file.write(f"{self.cpu_seconds}\n")


def counted_grader() -> None:
    """The command `grader`, with sandboxes that count."""
    grading.Sandbox = CountedSandbox
    command()


if __name__ == "__main__":
    counted_grader() if sys.argv[1:] else main()
