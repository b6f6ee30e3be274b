"""The command `grader`: what it can do, for learners, authors and instructors."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click

from grader.problems import Problem

COURSE = click.argument("course", type=click.Path(path_type=Path))
LESSONS = click.argument("slugs", nargs=-1, metavar="[LESSON…]")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """GenAI Pathways: lessons that check themselves, and a grader for classes."""
    # nbgrader looks for alembic on the PATH, and Jupyter for its kernels beside it
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def plainly(command: Callable) -> Callable:
    """Says a user's mistake in one sentence on stderr, and ends with status 1."""

    @wraps(command)
    def run(*args: object, **kwargs: object) -> object:
        try:
            return command(*args, **kwargs)
        except Problem as problem:
            raise SystemExit(f"grader: {problem}") from None
        except KeyboardInterrupt:
            raise SystemExit("grader: interrupted; what was done is kept.") from None
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            raise SystemExit(f"grader: {place}{error.strerror or error}. Check space and permissions there.") from None

    return run


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; say whether modules/ is up to date.")
@plainly
def build(check: bool) -> None:
    """Write modules/ from solutions/."""
    from grader.build import build, stale
    from grader.curriculum import root

    if check:
        paths, worked_on = stale(root()), []
    else:
        paths, worked_on = build(root())
    for path in paths:
        click.echo(f"{'stale' if check else 'written'}: {path.relative_to(root())}")
    for path in worked_on:
        click.echo(f"left alone: {path.relative_to(root())} holds work; `grader update` moves it into the new version.")
    if check and paths:
        raise Problem("modules/ is not what solutions/ makes: run `grader build`.")
    if not paths and not worked_on:
        click.echo("modules/ is up to date.")


@main.command()
@click.argument("module")
@click.argument("slug")
@plainly
def new(module: str, slug: str) -> None:
    """Start a lesson: a folder in solutions/MODULE with a small lesson that works."""
    from grader.curriculum import root
    from grader.new import new_lesson

    folder = new_lesson(root(), module, slug)
    click.echo(f"{folder.relative_to(root())} has a lesson that works: edit it, then run `grader verify {slug}`.")


@main.command()
@LESSONS
@click.option("--no-notebook", is_flag=True, help="Leave out running the whole notebooks.")
@click.option("--record", is_flag=True, help="Ask the model anew, and ship what it answers with the (one) lesson.")
@plainly
def verify(slugs: tuple[str, ...], no_notebook: bool, record: bool) -> None:
    """Prove lessons: right answers score full, the untouched notebook nothing, every mistake is caught and named."""
    from grader.curriculum import lessons, root
    from grader.verify import forget_answers, keep_answers, prove, prove_running, shortfalls

    found = lessons(root(), slugs)
    if record and len(found) != 1:
        raise Problem("--record needs one lesson: grader verify --record SLUG.")
    if record:
        forget_answers(found[0])
    proofs = []
    running = (prove_running(lesson) for lesson in found if not no_notebook)
    for source in (prove(found), running):
        for proof in source:
            proofs.append(proof)
            sign = "✗" if proof.complaints else "✓"
            named = {None: "", True: "named", False: "not named"}[proof.named]
            click.echo(f"{sign} {proof.lesson:<12} {proof.version:<70} {proof.seconds:6.2f} s {named}".rstrip())
            for complaint in proof.complaints:
                click.echo(f"    {complaint}")
    bad = sum(bool(proof.complaints) for proof in proofs)
    lacking = [text for lesson in found for text in shortfalls(lesson, proofs)]
    for text in lacking:
        click.echo(f"✗ {text}")
    mistakes = [proof.named for proof in proofs if proof.named is not None]
    checks = sum(len(lesson.checks) for lesson in found)
    alternatives = sum(len(lesson.alternatives) for lesson in found)
    click.echo(f"{len(found)} lessons, {checks} checks, {alternatives} alternatives, {len(mistakes)} mistakes, "
               f"{sum(mistakes)} of them named; {len(proofs) - bad} of {len(proofs)} versions as they must be.")
    if bad or lacking:
        raise SystemExit(1)
    if record:
        keep_answers(found[0])


@main.command()
@COURSE
@LESSONS
@plainly
def release(course: Path, slugs: tuple[str, ...]) -> None:
    """Make COURSE, an nbgrader course directory, with what students are handed."""
    from grader.course.release import release
    from grader.curriculum import root

    for slug in release(root(), course, slugs):
        click.echo(f"released: {course / 'release' / slug}")


@main.command()
@COURSE
@LESSONS
@click.option("--student", default="*", help="Only this student's submissions.")
@click.option("--again", is_flag=True, help="Grade unchanged submissions too.")
@click.option("--trust-submissions", is_flag=True, help="Grade even where their code cannot be held in (SECURITY.md).")
@plainly
def grade(course: Path, slugs: tuple[str, ...], student: str, again: bool, trust_submissions: bool) -> None:
    """Grade everything in COURSE/submitted that is new or changed."""
    from grader.course.grade import grade_course
    from grader.curriculum import lessons, root

    lessons(root(), slugs)  # says which there are
    run = grade_course(course, lessons(root()), slugs, student, again, trust_submissions)
    for graded in run.failed:
        click.echo(f"{graded.student} · {graded.lesson}: {graded.result.failed}", err=True)
    click.echo(f"report: {course / 'report.html'}\ngrades: {course / 'grades.csv'}\nfeedback: {course / 'feedback'}")
    click.echo(f"{run.graded} graded, {run.unchanged} unchanged, {len(run.failed)} could not be graded.")
    if run.failed:
        raise SystemExit(2)


@main.command()
@COURSE
@plainly
def report(course: Path) -> None:
    """Write COURSE/report.html, grades.csv and the feedback pages again, with the scores given by hand since."""
    from grader.course.grade import write_pages
    from grader.curriculum import lessons, root

    click.echo(f"report: {write_pages(course, lessons(root()))}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo"))
@plainly
def demo(folder: Path) -> None:
    """Make a class of 24, grade it, and compare what was given with what is deserved."""
    from grader import demo
    from grader.build import build
    from grader.course.grade import grade_course
    from grader.course.release import release
    from grader.course.store import load
    from grader.curriculum import lessons, root

    click.echo("Building the course from solutions/ …")
    build(root())
    found = [lesson for lesson in lessons(root()) if lesson.slug in demo.LESSONS]
    release(root(), folder, demo.LESSONS)
    works = list(demo.make_class(found))
    for work in works:
        demo.hand_in(folder, work)
    click.echo(f"Grading {len(works)} submissions …")
    run = grade_course(folder, found, trusted=True)
    click.echo("\n" + demo.HEADING)
    graded = {(w.student, w.lesson): load(folder, w.student, w.lesson).result for w in works}
    for work in works:
        click.echo(demo.row(work, graded[work.student, work.lesson]))
    right = sum(demo.as_deserved(work, graded[work.student, work.lesson]) for work in works)
    click.echo(f"\n{run.graded} graded now, {run.unchanged} unchanged since the last run\n"
               f"report    {folder / 'report.html'}\ngradebook {folder / 'gradebook.db'}\n"
               f"grades    {folder / 'grades.csv'}\nfeedback  {folder / 'feedback'}\n\n"
               f"{right} of {len(works)} as deserved")
    if right < len(works):
        raise SystemExit(1)


@main.command()
@click.option("--port", type=int, default=None, help="Where to listen; any free port if left out.")
@plainly
def model(port: int | None) -> None:
    """Serve the embedded model until Ctrl-C, for any OpenAI-style client."""
    from grader.providers.model import serve

    serve(port)


@main.command()
@plainly
def lab() -> None:
    """Open JupyterLab on the lessons, with the model running."""
    from grader.curriculum import root
    from grader.lab import open_lab

    open_lab(root())


@main.command()
@click.argument("words", nargs=-1, metavar="[LESSON] [EXERCISE]")
@plainly
def check(words: tuple[str, ...]) -> None:
    """Check a lesson's notebook as it was saved; without words, the lesson to go on with."""
    from grader.workspace import find, opened

    lesson, exercise = find(opened(), words)
    from grader.checking import check_notebook, ready  # slower than finding out that there is no such lesson
    from grader.terminal import exercise_text, lesson_text

    with ready() as parent:
        result = check_notebook(lesson, parent)
    how = f"grader hint {lesson.slug} {exercise}".rstrip()
    found = [each for each in result.exercises if exercise in ("", each.exercise)]
    click.echo(exercise_text(lesson, found[0], how) if exercise else lesson_text(lesson, result, how))
    if not all(each.full for each in found):
        raise SystemExit(1)


@main.command()
@click.argument("words", nargs=-1, metavar="[LESSON] [EXERCISE]")
@plainly
def hint(words: tuple[str, ...]) -> None:
    """Show the next hint; without words, for the exercise to go on with."""
    from grader.terminal import tell_hint
    from grader.workspace import find, opened, upcoming

    lesson, exercise = find(opened(), words)
    exercise = exercise or next(upcoming([lesson]), (lesson, lesson.exercises[-1]))[1]
    for text in tell_hint(lesson, exercise):
        click.echo(text)


@main.command()
@plainly
def progress() -> None:
    """Show which lessons and exercises are done."""
    from grader.terminal import progress_text
    from grader.workspace import opened

    click.echo(progress_text(opened()))


@main.command("next")
@plainly
def next_() -> None:
    """Show what to do next, and how long it takes."""
    from grader.terminal import next_text
    from grader.workspace import opened

    click.echo(next_text(opened()))


@main.command()
@click.argument("words", nargs=-1, metavar="[LESSON] [EXERCISE]")
@plainly
def watch(words: tuple[str, ...]) -> None:
    """Check again whenever the notebook is saved, from any editor; keys give hints and lead on."""
    from grader.workspace import find, opened

    lessons = opened()
    lesson, exercise = find(lessons, words)
    from grader.watch import watch  # slower than finding out that there is no such lesson

    watch(lessons, lesson, exercise)


@main.command()
@click.argument("words", nargs=-1, metavar="EXERCISE | LESSON/EXERCISE")
@plainly
def reset(words: tuple[str, ...]) -> None:
    """Put an exercise back to how it was at first, and keep a copy of the notebook."""
    from grader.terminal import shown
    from grader.update import start_again
    from grader.workspace import find, opened

    lesson, exercise = find(opened(), words)
    if not exercise:
        raise Problem(f"Say which exercise, for example: grader reset {lesson.slug}/{lesson.exercises[0]}.")
    kept = start_again(lesson, exercise)
    if kept is None:
        return click.echo(f"{exercise} is as it was handed out; nothing was changed.")
    click.echo(f"{exercise} is as it was handed out. The notebook as it was is kept in {shown(kept)}.\n"
               "If it is open in JupyterLab: File › Reload Notebook from Disk.")


@main.command()
@plainly
def update() -> None:
    """Get the newest version of the lessons, and keep what you wrote in them."""
    from grader.curriculum import root
    from grader.pull import pull
    from grader.terminal import shown
    from grader.update import update

    try:
        pulled = pull(root())
    except Problem as problem:
        pulled = ""
        click.echo(f"Nothing was pulled: {problem}", err=True)
    if pulled:
        click.echo(pulled)  # and the new grader, not this one, makes the new lessons
        raise SystemExit(subprocess.run([sys.executable, "-m", "grader", "update"]).returncode)
    count = worked_on = 0
    for each in update(root()):
        count += 1
        if each.kept is None:
            click.echo(f"{'new version' if each.path.exists() else 'gone'}: {shown(each.path)}")
            continue
        worked_on += 1
        taken = [*each.answers, *[f"{each.own_cells} of your own cells"] * bool(each.own_cells)]
        click.echo(f"new version: {shown(each.path)}; taken over: {', '.join(taken) or 'nothing, for there were no answers'}; "
                   f"the notebook as it was: {shown(each.kept)}")
    if not count:
        click.echo("Every lesson is up to date.")
    if worked_on:
        click.echo("Run the checks again. If a notebook is open in JupyterLab: File › Reload Notebook from Disk.")


@main.command()
@plainly
def doctor() -> None:
    """Say what is there and what is missing on this machine, and what to do about it."""
    try:
        from grader.doctor import findings
    except ImportError as error:
        raise Problem(f"{error.name} is not installed: pip install -r requirements.txt") from None

    signs = {True: "✓ there  ", False: "✗ missing", None: "· later  "}
    missing = 0
    for finding in findings():
        missing += finding.holds is False
        click.echo(f"{signs[finding.holds]}  {finding.what}: {finding.said}")
        if finding.do:
            click.echo(f"             {finding.do}")
    if missing:
        raise Problem(f"{missing} {'thing is' if missing == 1 else 'things are'} missing that the lessons need.")
    click.echo("Everything that the lessons need is there.")
