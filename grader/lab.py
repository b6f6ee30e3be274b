"""JupyterLab on the lessons, prepared for learners."""

import os
import subprocess
import sys
from pathlib import Path

import click

from grader.problems import Problem
from grader.providers import model_url

SETTINGS = Path(__file__).parent / "lab_settings"


def open_lab(root: Path) -> None:
    """Opens JupyterLab on `modules/` and keeps the embedded model running until it is closed."""
    if not any((root / "modules").glob("*/*.ipynb")):
        raise Problem("There are no lessons in modules/: run `grader build` first.")
    if not os.environ.get("OPENAI_BASE_URL"):
        try:
            click.echo(f"The model answers at {model_url()}")
        except Problem as problem:  # most lessons work without it
            click.echo(f"The model is not running: {problem}", err=True)
    settings = os.pathsep.join(filter(None, [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]))
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={root / 'modules'}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    raise SystemExit(subprocess.run(command, env={**os.environ, "JUPYTER_CONFIG_PATH": settings}).returncode)
