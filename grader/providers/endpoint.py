"""Which provider to use."""

import os
from dataclasses import dataclass, field

from grader.providers.model import MODEL, model_url


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-style provider: `url` ends before `/chat/completions`."""

    url: str
    key: str = field(repr=False)
    model: str


def endpoint() -> Endpoint:
    """The provider of `OPENAI_BASE_URL`, `OPENAI_API_KEY`, `OPENAI_MODEL`, or the embedded model."""
    url = os.environ.get("OPENAI_BASE_URL", "").rstrip("/")
    if not url:
        return Endpoint(model_url(), "none", MODEL)
    return Endpoint(url, os.environ.get("OPENAI_API_KEY", "none"), os.environ.get("OPENAI_MODEL", MODEL))
