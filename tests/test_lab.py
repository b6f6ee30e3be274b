"""A learner's way through JupyterLab, in a real browser: with the mouse, and with the keyboard alone."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import REPOSITORY
from playwright.sync_api import Page, expect, sync_playwright

from grader.build import build
from grader.course.store import Graded
from grader.curriculum import lessons
from grader.pages import feedback_page, report_page
from grader.results import CheckResult, ExerciseResult, Problem, Result

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60_000  # milliseconds
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A curriculum of the repository's lessons, untouched."""
    root = tmp_path_factory.mktemp("home") / "curriculum"
    shutil.copytree(REPOSITORY / "solutions", root / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    build(root)
    return root


@pytest.fixture(scope="module")
def lab(root):
    """The address of a JupyterLab that `grader lab` opened."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "HOME": str(root.parent), "JUPYTER_TOKEN": "token", "JUPYTER_PORT": str(port),
                   "JUPYTER_CONFIG_DIR": str(root.parent / "config"), "JUPYTER_DATA_DIR": str(root.parent / "data"),
                   "IPYTHONDIR": str(root.parent / "ipython"), "BROWSER": "true", "PYTHONPATH": str(REPOSITORY),
                   "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}  # no model is needed
    with open(root.parent / "lab.log", "w") as log:
        process = subprocess.Popen([sys.executable, "-m", "grader", "lab"], cwd=root, env=environment,
                                   stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, (root.parent / "lab.log").read_text()
            time.sleep(0.25)
    yield address
    os.killpg(process.pid, 15)
    process.wait(30)


@pytest.fixture(params=["light", "dark"])
def page(lab, root, browser, request):
    """The start page, as `grader lab` opens it, for a learner who has done nothing yet."""
    (root / ".progress.json").unlink(missing_ok=True)
    build(root)
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.goto(f"{lab}/?token=token")
    yield page
    context.close()


def answers(root: Path) -> tuple[str, str, str]:
    """A right answer to `softmax`, a mistaken one, and what the author says of that mistake."""
    [lesson] = lessons(root, ["attention"])
    mistake = next(m for m in lesson.mistakes if m.exercise == "softmax" and m.name == "global maximum")
    exercise = lesson.exercise("softmax")
    return exercise.solved(), exercise.solved(mistake), mistake.hint


def assert_accessible(page: Page, where: str | None = None) -> None:
    violations = Axe().run(page, context=where).response["violations"]
    assert not [(v["id"], v["help"]) for v in violations if v["impact"] in ("serious", "critical")]


def picture(page: Page, name: str) -> None:
    """How the pictures in docs/ are made: with SCREENSHOTS=docs in the environment."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def plain(text: str) -> str:
    return re.sub(r"[`\s]+", " ", text).strip()


def test_a_learner_with_a_mouse(page, root):
    right, wrong, hint = answers(root)
    expect(page).to_have_url(re.compile("/start"))
    assert_accessible(page)
    for pathway in ("Train a transformer", "Build an app", "Chain and test prompts"):
        expect(page.get_by_role("heading", name=pathway)).to_be_visible()
    page.get_by_role("link", name="Attention", exact=True).click()
    cell = page.locator(".jp-CodeCell", has_text="def softmax(").first
    cell.locator(".cm-content").click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Above Selected Cell").click()
    theme = "JupyterLab Dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "JupyterLab Light"
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    for label in ("Nbgrader", "Jupytext"):
        expect(page.get_by_role("menuitem", name=label)).to_have_count(0)
    expect(page.get_by_role("treeitem", name=re.compile("^checks"))).to_have_count(0)

    def write(answer: str) -> None:
        cell.locator(".cm-content").click()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.insert_text(answer)
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")

    write(wrong)
    panel = page.locator(".gp-panel").first
    expect(panel).to_contain_text("does not hold")
    assert plain(hint) in plain(panel.inner_text())
    assert_accessible(page, ".gp-panel")
    first, second = panel.get_by_text("Hint 1 of"), panel.get_by_text("Hint 2 of")
    expect(second).to_be_hidden()
    first.click()
    expect(second).to_be_visible()
    picture(page, f"panel-{theme.split()[1].lower()}")
    write(right)
    expect(page.locator(".gp-full").first).to_contain_text("Next: causal_mask")
    assert_accessible(page, ".gp-panel")
    page.goto(page.url.split("/lab")[0] + "/start")
    expect(page.locator("li", has_text="Attention")).to_contain_text("begun, 1 of 5")
    expect(page.locator(".next")).to_contain_text("Go on with: Attention")
    picture(page, f"start-{theme.split()[1].lower()}")


def test_a_learner_with_a_keyboard_alone(page, root):
    right, wrong, hint = answers(root)

    def focus(wanted: str, key: str = "Tab") -> None:
        """Presses `key` until what has the focus holds the text `wanted`."""
        for _ in range(80):
            page.keyboard.press(key)
            if wanted in (page.evaluate("document.activeElement.innerText") or "")[:200]:
                return
        raise AssertionError(f"{wanted!r} cannot be reached with {key}")

    focus("Attention")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible()
    expect(page.locator(".jp-Notebook.jp-mod-commandMode")).to_be_visible()
    page.wait_for_timeout(2000)  # until the notebook takes keys
    page.locator("body").press("Escape")

    def active() -> str:
        return page.locator(".jp-Notebook .jp-Cell.jp-mod-active").inner_text()

    def go_to(wanted: str, key: str) -> None:
        for _ in range(60):
            if wanted in active():
                return
            page.keyboard.press(key)
            page.wait_for_timeout(100)
        raise AssertionError(f"no cell with {wanted!r}: {active()[:100]}")

    go_to("def softmax(", "Shift+Enter")

    def write(answer: str) -> None:
        page.keyboard.press("Enter")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.insert_text(answer)
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")

    write(wrong)
    expect(page.locator(".gp-panel").first).to_contain_text("does not hold")
    go_to('check("softmax")', "ArrowUp")
    focus("Hint 1 of")
    page.keyboard.press("Enter")
    expect(page.locator(".gp-panel").first.get_by_text("Hint 2 of")).to_be_visible()
    page.keyboard.press("Escape")
    go_to("def softmax(", "ArrowUp")
    write(right)
    expect(page.locator(".gp-full").first).to_contain_text("Well done!")


@pytest.mark.parametrize("colors", ["light", "dark"])
def test_feedback_and_report_are_accessible(browser, colors):
    checks = [CheckResult("test_sums", "The shares sum to one.", 1, False, None),
              CheckResult("test_rows", "Rows do not disturb one another.", 1, False,
                          Problem("The values differ.", "softmax(tensor, 1)", "[0.27, 0.73]", "[0.5, 0.5]", "return scores / 2",
                                  differences="12.\n..9")),
              CheckResult("test_dtypes", "The dtype stays.", 1, True, Problem("It does not.", "softmax(tensor, 1)"))]
    mistaken = Result("attention", (ExerciseResult("softmax", tuple(checks), "global maximum", "You subtract the largest score "
                                                   "of the whole tensor."), ExerciseResult("rotary", tuple(checks[:1]))))
    failed = Result("attention", (), failed="attention.ipynb is not valid JSON, so it is no notebook: save it again.")
    graded = [Graded("ada", "key", mistaken), Graded("grace", "key", failed), Graded("alan", "key", mistaken)]
    pages = {f"feedback on {g.student}": feedback_page(g.student, "Attention", g.result, {"why": (None, 3.0)}) for g in graded}
    pages["report"] = report_page("Course", graded, {"attention/why": 2})
    page = browser.new_page(color_scheme=colors)
    for name, text in pages.items():
        page.set_content(text)
        for closed in page.locator("details:not([open])").all():
            closed.evaluate("one => one.open = true")
        assert_accessible(page)
        picture(page, f"{name}-{colors}")
    page.close()
