"""The start page, served by Jupyter at `/start`, anew each time with the progress that the learner has made."""

from pathlib import Path
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

from grader import curriculum, progress
from grader.pages.start import Step, start_page


def steps(root: Path, base: str = "/") -> tuple[list[Step], str]:
    """The lessons of the curriculum in `root` with what is solved of each, and the address of the one checked last."""
    known = progress.load(progress.progress_file(root))
    found, checked = [], {}
    for lesson in curriculum.lessons(root):
        entries = {name: entry for name, entry in known.get(lesson.slug, {}).items() if name in lesson.exercises}
        address = url_path_join(base, "lab/tree", quote(f"{lesson.module}/{lesson.slug}.ipynb"))
        solved = sum(entry.solved for entry in entries.values())
        found.append(Step(lesson.title, lesson.module, lesson.minutes, lesson.difficulty, address, len(lesson.exercises), solved))
        checked[address] = max((entry.checked for entry in entries.values()), default="")
    last = max(checked, key=checked.get, default="")
    return found, last if checked.get(last) else ""


class StartHandler(JupyterHandler):
    """`GET /start`."""

    @authenticated
    async def get(self) -> None:
        root = curriculum.root(Path(self.settings["server_root_dir"]).expanduser())
        self.finish(start_page(*steps(root, self.base_url)))


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "grader.start_page"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    server.web_app.add_handlers(".*$", [(url_path_join(server.base_url, "start"), StartHandler)])
