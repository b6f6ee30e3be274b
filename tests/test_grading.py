"""One submission through the sandbox: what it earns, and that it costs nobody else anything."""

import pytest

from grader.bench import with_checks
from grader.curriculum import lessons
from grader.grading import Job, grade, grade_all
from grader.marking import marks_of
from grader.notebooks import Handed
from grader.sandbox import Limits, WarmParent
from grader.verify import handed

SHORT = Limits(cell=1.0, memory=512 * 2**20)
RIGHT = """
def perplexity(log_probabilities):
    if not log_probabilities:
        raise ValueError("no words")
    return math.exp(-sum(log_probabilities) / len(log_probabilities))
"""


@pytest.fixture(scope="module")
def warm_parent():
    with WarmParent() as parent:
        yield parent


@pytest.fixture
def graded(example, warm_parent):
    """Grades a submission with these cells; a cell that defines perplexity answers it."""

    def run(*cells, lesson=example):
        answers = tuple(("perplexity" if "def perplexity" in source else "", source) for source in cells)
        results = []
        with_checks([lesson.folder / "checks.py"],
                    lambda bench: results.append(grade(bench, warm_parent, lesson, marks_of(lesson), Handed(answers, {}), SHORT)))
        return results[0]

    return run


def problems(result):
    return [check.problem.message for exercise in result.exercises for check in exercise.checks if check.problem]


def test_right_answers_score_full(graded):
    assert graded(RIGHT).earned == 4


def test_the_untouched_notebook_scores_nothing(example):
    [(_, result)] = grade_all([example], [Job("it", example.slug, handed(example, untouched=True))])
    assert result.earned == 0
    assert set(problems(result)) == {"Not written yet."}


def test_a_known_mistake_is_named_with_its_hint(graded):
    result = graded(RIGHT.replace("-sum", "sum"))
    assert result.exercises[0].mistake == "sign lost"
    assert "negative" in result.exercises[0].hint
    assert 0 < result.earned < 4


def test_a_failing_check_says_what_was_expected_what_came_and_on_which_input(graded):
    result = graded(RIGHT.replace("-sum", "sum"))
    problem = next(check.problem for check in result.exercises[0].checks if check.problem)
    assert problem.call.startswith("perplexity([") and problem.expected and problem.seen


@pytest.mark.parametrize("cell", [
    "raise RuntimeError('at the top')",
    "import os; os._exit(3)",
    "import os; os.kill(os.getpid(), 9)",
    "while True: pass",
    "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "x = bytearray(10**10)",
    "print('flood ' * 10**7)",
    "this is no Python",
    "import sys; sys.exit()",
    "%%bash\nexit 1",
    "input()",
    "import warnings; warnings.warn('careful')",
])
def test_a_bad_cell_of_ones_own_costs_nothing_else(graded, cell):
    assert graded(cell, RIGHT).earned == 4


@pytest.mark.parametrize("body, said", [
    ("while True: pass", "takes longer"),
    ("while True:\n        try:\n            while True: pass\n        except BaseException: pass", "takes longer"),
    ("import os; os._exit(0)", "ended its process"),
    ("return bytearray(10**10)", "MemoryError"),
    ("return 'x' * 10**8", "can be sent"),
    ("raise SystemExit", "SystemExit"),
    ("return 1/0", "ZeroDivisionError"),
    ("return lambda: 1", "not a number"),
    ("return None", "not a number"),
])
def test_code_that_misbehaves_when_called_earns_nothing_and_is_told_why(graded, body, said):
    result = graded(f"def perplexity(log_probabilities):\n    {body}")
    assert result.earned <= 1  # the list is left alone by some
    assert any(said in message for message in problems(result)), problems(result)


def test_the_class_is_graded_as_if_the_bad_one_were_not_there(example):
    bad = Handed((("perplexity", "def perplexity(x):\n    import os\n    os.kill(os.getppid(), 0)\n    os._exit(1)"),), {})
    good = Handed((("perplexity", RIGHT),), {})
    jobs = [Job(n, example.slug, bad if n % 3 == 0 else good) for n in range(9)]
    results = dict(grade_all([example], jobs, SHORT))
    assert {n: r.earned for n, r in results.items() if n % 3} == {n: 4 for n in range(9) if n % 3}


def test_a_score_cannot_be_forged_by_what_comes_back(graded):
    sly = """
class Sly(float):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
def perplexity(log_probabilities):
    return Sly(0.0)
"""
    assert graded(sly).earned <= 1


def test_checks_and_solutions_are_not_in_the_sandbox(graded):
    spy = """
import sys
def perplexity(log_probabilities):
    known = [name for name in sys.modules if name.startswith(("pytest", "grader.bench", "grader.checks", "grader.known", "grader.lessons"))]
    raise RuntimeError(f"found {known}")
"""
    assert any("found []" in message for message in problems(graded(spy)))


def test_results_tell_processor_time(graded):
    assert graded(RIGHT).cpu_seconds > 0


def test_what_the_course_gives_cannot_be_redefined(example_root):
    folder = example_root / "solutions" / "1_first" / "example"
    lesson, checks = folder / "lesson.py", folder / "checks.py"
    lesson.write_text(lesson.read_text().replace("check = lesson", "def tried(f):\n    return f([0.0])\n\n\ncheck = lesson"))
    checks.write_text('from grader.checks import assert_equal, check\n\n\n@check("perplexity")\ndef test_it(submission):\n'
                      '    """It is 1."""\n    assert_equal(submission.tried(submission.perplexity), 1.0)\n')
    [changed] = lessons(example_root)
    forged = "def perplexity(log_probabilities):\n    return 2.0\n\n\ndef tried(f):\n    return 1.0\n"
    right = forged.replace("return 2.0", "return 1.0").replace("return 1.0\n\n\ndef tried(f):\n    return 1.0", "return 1.0")
    jobs = [Job(text, "example", Handed((("perplexity", text),), {})) for text in (forged, right)]
    assert {text: result.earned for text, result in grade_all([changed], jobs)} == {forged: 0, right: 1}
