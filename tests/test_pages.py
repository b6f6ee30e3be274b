"""The pages that people read: the panel, the feedback, the report."""

import math
from dataclasses import replace

import pytest
import torch
from reading import Reading, assert_inert

from grader.checks import Unexpected, assert_close
from grader.course.store import Graded
from grader.pages import Advice, feedback_page, panel_html, panel_text, report_page
from grader.results import CheckResult, ExerciseResult, Problem, Result

PROBLEM = Problem(
    "The values are not the expected ones.", "softmax([1.0, 2.0], 0)", "[0.27, 0.73]", "[0.5, 0.5]", "return scores / 2"
)
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def check(name, problem=None, hidden=False):
    return CheckResult(f"test_{name}", f"The sentence of {name}.", 1, hidden, problem)


def exercise(*checks, **about):
    return ExerciseResult("softmax", checks, **about)


def pages_of(result):
    """Everything that is shown about an exercise, as HTML."""
    graded = Graded("ada", "key", Result("attention", (result,)))
    yield panel_html(result)
    yield feedback_page("ada", "Attention", graded.result, {})
    yield report_page("Course", [graded], {})


def test_panel_says_in_words_what_holds_and_what_does_not():
    result = exercise(check("one"), check("two", PROBLEM), check("three", PROBLEM))
    for text in (Reading(panel_html(result)).text, " ".join(panel_text(result).split())):
        assert "softmax · 1 of 3 points" in text
        assert "✓ holds The sentence of one." in text
        assert "✗ does not hold The sentence of two." in text
        for seen in (PROBLEM.message, PROBLEM.call, PROBLEM.expected, PROBLEM.seen, PROBLEM.where):
            assert text.count(seen) == 2


def test_panel_opens_the_first_problem_only():
    reading = Reading(panel_html(exercise(check("one"), check("two", PROBLEM), check("three", PROBLEM))))
    assert reading.tags.count("details") == 2
    assert len(reading.values("open")) == 1


def test_panel_of_a_solved_exercise_is_one_line_without_hints():
    result = exercise(check("one"), check("two"))
    assert panel_text(result, Advice(("a hint",)), 1).splitlines()[0] == "softmax · 2 of 2 points · Both visible checks hold. Well done!"
    text = Reading(panel_html(result, Advice(("a hint",)))).text
    assert "2 of 2 points" in text and "hint" not in text


def test_panel_of_an_unwritten_exercise_is_compact_and_offers_hints():
    result = exercise(check("one", Problem("Not written yet.")), check("two", Problem("It raised NameError")))
    text = Reading(panel_html(result, Advice(("a hint",)))).text
    assert "not written yet" in text and "a hint" in text and "does not hold" not in text
    assert "not written yet" in panel_text(result)
    for text in (panel_text(replace(result, trouble="It broke.")), panel_html(replace(result, trouble="It broke."))):
        assert "It broke." in text and "not written yet" not in text


def test_hints_open_one_inside_the_other():
    panel = panel_html(exercise(check("one", Problem("Wrong."))), Advice(("first", "second", "third")))
    assert panel.index("first") < panel.index("second") < panel.index("third")
    between = panel[panel.index("first") : panel.index("third")]
    assert between.count("<details") == 2 and "</details>" not in between
    shown = panel_text(exercise(check("one", PROBLEM)), Advice(("first", "second", "third")), shown=1)
    assert "Hint 1 of 3" in shown and "first" in shown and "second" not in shown


def test_panel_tells_circumstances_and_the_likely_mistake():
    result = exercise(
        check("one", PROBLEM, hidden=True), mistake="no `maximum`", hint="Subtract it.", unmet=("rotary", "mask"),
        trouble="SyntaxError: expected ':'",
    )
    for text in (Reading(panel_html(result)).text, panel_text(result)):
        for part in ("rotary", "do not hold yet: mend them first", "SyntaxError: expected ':'", "hidden check",
                     "This looks like: no", "Subtract it."):
            assert part in text
    one = panel_text(replace(result, unmet=("rotary",)))
    assert "`rotary`, which this uses, does not hold yet: mend it first." in one


def test_panel_text_fits_a_terminal_and_cannot_drive_it():
    problem = Problem("word " * 100 + "\x1b[2J\x07\u202e", "x" * 500, "a\nb\r\nc", "y", "    return 1")
    text = panel_text(exercise(check("one", problem)), Advice(("hint " * 60,)), 1)
    assert max(map(len, text.splitlines())) <= 80
    assert not set(text) & set("\x1b\x07\r\u202e")


def test_what_comes_after_an_exercise_that_holds():
    result = exercise(check("one"))
    for following, next_step in (("causal_mask", "Next: causal_mask"), ("", "this lesson's last exercise")):
        advice = Advice(after="It matters.", following=following)
        for text in (Reading(panel_html(result, advice)).text, panel_text(result, advice).replace("`", "")):
            assert "It matters." in text and next_step in " ".join(text.split())


def test_the_solution_opens_inside_the_last_hint():
    result = exercise(check("one", PROBLEM))
    long = "answer = 1  # <b>\n" * 100
    advice = Advice(("first",), "It matters.", "", long)
    reading = Reading(panel_html(result, advice))
    assert reading.text.index("first") < reading.text.index("A solution") < reading.text.index("answer = 1  # <b>".replace("  ", " "))
    assert reading.text.count("answer = 1") == 100
    assert_inert(panel_html(result, advice))
    assert "hints=2" in panel_text(result, advice, 1) and "answer = 1" not in panel_text(result, advice, 1)
    assert long.strip() in panel_text(result, advice, 2)
    assert "A solution" not in panel_html(result, Advice(("first",), "It matters."))


def test_differences_are_drawn_and_told():
    expected = torch.zeros(2, 3, 4)
    seen = expected.clone()
    seen[1, 0, 2], seen[1, 2, 3] = 1.0, math.nan
    with pytest.raises(Unexpected) as caught:
        assert_close(seen, expected)
    assert caught.value.differences == "..9.\n....\n...9"
    problem = replace(PROBLEM, differences=".1..\n...9")
    result = exercise(check("one", problem))
    words = "Where they differ: 2 of 8 values, most at row 1, column 3"
    for text in (Reading(panel_html(result)).text, " ".join(panel_text(result).split())):
        assert words in text
    assert ".1..\n" in panel_text(result).replace(" ", "")
    reading = Reading(panel_html(result))
    assert reading.values("aria-label")[-1].startswith(words)
    assert reading.tags.count("rect") == 8
    with pytest.raises(Unexpected) as caught:  # nothing but nan: there is no largest difference
        assert_close(torch.full((2, 2), math.nan), torch.zeros(2, 2))
    assert caught.value.differences == "99\n99"


def test_feedback_tells_what_was_seen_and_what_to_read_again():
    result = exercise(check("one"), check("two", PROBLEM), mistake="no maximum", hint="Subtract it.")
    page = feedback_page("ada", "Attention", Result("attention", (result,)), {"why": (None, 3), "how": (1.5, 2)})
    text = Reading(page).text
    for part in ("Feedback for ada", "2.5 of 7 points", "1 written answer waits for the instructor", "✓ holds",
                 "✗ does not hold", PROBLEM.call, PROBLEM.expected, PROBLEM.seen, "This looks like: no maximum",
                 "Subtract it.", "Read again: the section softmax in attention.ipynb", "1.5 of 2 points"):
        assert part in text
    assert "<details" not in page  # a document: nothing is folded away


def test_feedback_never_shows_what_a_hidden_check_saw():
    secret = Problem("secret message", "secret call", "secret expected", "secret seen", "secret where")
    unwritten = Problem("Not written yet.", "secret call")
    result = Result("attention", (exercise(check("one", secret, hidden=True), check("two", unwritten, hidden=True)),))
    page = feedback_page("ada", "Attention", result, {})
    assert "secret" not in page
    assert "does not hold The sentence of one. hidden check" in Reading(page).text


def test_feedback_says_why_there_is_no_grade():
    result = Result("attention", failed="The notebook is not valid JSON.")
    text = Reading(feedback_page("ada", "Attention", result, {"why": (None, 3)})).text
    assert "This submission could not be graded. The notebook is not valid JSON." in text


@pytest.mark.parametrize("hostile", [HOSTILE, "'-alert(1)-'", "{{ 7 * 7 }}", "`<b>`", "\ud800\x00\u202e", "$\\frac{$"])
def test_what_a_student_writes_stays_text(hostile):
    problem = Problem(*[hostile] * 5)
    result = exercise(check("one", problem), mistake=hostile, hint=hostile, unmet=(hostile,), trouble=hostile)
    result = replace(result, exercise=hostile)
    results = Result("attention", (result,)), Result("chains", failed=hostile)
    graded = [Graded(hostile, "key", result) for result in results]
    pages = [
        panel_html(result, Advice((hostile,), hostile, hostile)),
        *(feedback_page(hostile, hostile, g.result, {hostile: (None, 1)}) for g in graded),
        report_page(hostile, graded, {hostile: 3}),
    ]
    for page in pages:
        assert_inert(page)
        page.encode()  # raises for half characters
        assert not set(page) & set("\x00\u202e")
        assert "49" not in Reading(page).text or hostile != "{{ 7 * 7 }}"
    assert hostile != HOSTILE or "<script>alert(1)</script>" in Reading(pages[0]).text


def test_pages_forbid_what_they_do_not_need():
    for page in list(pages_of(exercise(check("one", PROBLEM))))[1:]:
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
        assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/", "")
        identifiers = Reading(page).values("id")
        assert len(identifiers) == len(set(identifiers))


def test_a_flood_is_cut():
    flood = "flood\n" * 200_000
    problem = Problem(*[flood] * 5)
    result = exercise(check("one", problem), check("two", problem), trouble=flood, hint=flood)
    for page in pages_of(result):
        assert len(page) < 60_000
    assert len(panel_text(result)) < 20_000
    failed = Result("attention", failed=flood)
    assert len(feedback_page(flood, "Attention", failed, {})) < 20_000
    assert len(report_page("Course", [Graded(flood, "key", failed)], {})) < 60_000


def test_report_of_nothing():
    text = Reading(report_page("Course", [], {})).text
    assert "Nothing has been graded yet." in text and "0 students handed in" in text


def test_report_of_a_small_class():
    wrong = exercise(check("one", PROBLEM), check("two"), mistake="no maximum", hint="Subtract it.")
    graded = [
        Graded("ada", "key", Result("attention", (exercise(check("one"), check("two")),), cpu_seconds=0.5)),
        Graded("bob <b>", "key", Result("attention", (wrong,), cpu_seconds=1.5)),
        Graded("bob <b>", "key", Result("chains", failed="It is not a notebook.")),
    ]
    page = report_page("Autumn", graded, {"attention/why": 2, "chains/memo": 0}, total_students=3)
    reading = Reading(page)
    for part in ("2 of 3 students handed in", "2 of 3 submissions graded", "75 % median score", "50 % · 1 of 2",
                 "no maximum", "Subtract it.", "It is not a notebook.", "attention/why 2"):
        assert part in reading.text
    assert "chains/memo" not in page
    assert "feedback/bob%20%3Cb%3E/attention/attention.html" in reading.values("href")
    assert reading.values("role").count("img") == reading.tags.count("svg") == 2
    assert page == report_page("Autumn", graded, {"attention/why": 2, "chains/memo": 0}, total_students=3)


def test_report_of_a_thousand_students_stays_short():
    wrong = exercise(check("one", PROBLEM), mistake="no maximum", hint="Subtract it.")
    students = [f"student-{i:04}" for i in range(1000)]
    graded = [Graded(s, "key", Result(lesson, (wrong,))) for s in students for lesson in ("attention", "chains", "rag")]
    page = report_page("Course", graded, {}, 1000)
    text = Reading(page).text
    assert "</a> and 988 more" in page and "3000 submissions graded" in text
    assert Reading(page).tags.count("details") == 1 and not Reading(page).values("open")
    assert len(page) < 1_000_000
