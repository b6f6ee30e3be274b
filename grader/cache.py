"""Where files lie that can be made or fetched again, shared by everything on this machine."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The cache: `GENAI_PATHWAYS_CACHE`, or the user's cache folder. It need not exist."""
    return Path(os.environ.get("GENAI_PATHWAYS_CACHE") or platformdirs.user_cache_path("genai-pathways"))
