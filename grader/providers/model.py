"""The embedded model: SmolLM2-135M-Instruct behind an OpenAI-style server, one for all notebooks on a machine.

`model_url` starts the server when none is running. It is a process of its own, which ends when the last process
that uses it has ended. Who is alive is told by file locks alone: the operating system takes them back from whoever
dies, however it dies, and after a restart of the machine nobody holds any.

In the cache folder, `model/<machine>/`:
  users/*.lock    held by each process that uses the model
  server.lock     held by the server: only then does `address` mean anything
  address         where the server listens
  starting.lock   held while the server is looked for, started, or decides to end
"""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from grader.cache import cache_folder
from grader.problems import Problem
from grader.providers.fetch import SMOLLM2, fetch, unwritable

MODEL = "smollm2-135m-instruct"
# The threads wait for each other busily: as many as there are processors are ten times slower than half as many as
# soon as anything else runs (2 processors, both busy: 2 tokens a second instead of 23).
THREADS = min(4, max(1, (os.cpu_count() or 1) // 2))
SLOTS = 4  # requests at a time; others wait
CONTEXT = 2048  # tokens of each slot: what the model was trained on
POLL = 1.0  # seconds between two looks for users
GRACE = 10.0  # seconds without a user after which the server ends

_mine: dict[Path, FileLock] = {}  # this process's entry among the users, for each folder
_asking = threading.Lock()


def model_url() -> str:
    """The address of the embedded model's OpenAI-style paths, once it answers.

    Raises Problem when the model cannot be fetched or started.
    """
    model = fetch(SMOLLM2)
    folder = cache_folder() / "model" / socket.gethostname()
    try:
        (folder / "users").mkdir(parents=True, exist_ok=True)
        with _asking, FileLock(folder / "starting.lock"):
            if folder not in _mine:
                _mine[folder] = FileLock(folder / "users" / f"{uuid4()}.lock", thread_local=False)
                _mine[folder].acquire()
            address = (folder / "address").read_text() if _held(folder / "server.lock") else _start(folder, model)
    except OSError as trouble:
        raise Problem(unwritable(folder, trouble)) from trouble
    return f"{address}/v1"


def serve(port: int | None) -> None:
    """Serves the model on `port`, or on any free one, until Ctrl-C."""
    if port is not None:
        with socket.socket() as probe:  # llama.cpp would take another way out than an exception
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError) as trouble:
                raise Problem(f"Cannot listen on port {port}: choose another one with --port.") from trouble
    server = _server(fetch(SMOLLM2), port or 0)
    print(
        f"{MODEL} listens on {server.listening_address}. To use it from another program:\n\n"
        f"  export OPENAI_BASE_URL={server.listening_address}/v1 OPENAI_API_KEY=none OPENAI_MODEL={MODEL}\n\n"
        "Ctrl-C ends it.",
        flush=True,
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass


def _server(model: Path, port: int = 0) -> Any:
    """A running `xllamacpp.Server`, which answers from now on."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {MODEL}
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT  # the slots share it evenly
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    # Greedy answers are to repeat, whatever was asked before and is asked at the same time. These round differently
    # with the number of tokens that are worked on at once:
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.no_extra_bufts = True  # repacked weights
    params.n_gpu_layers = 0
    # Embeddings beside completions: the mean of the last layer, of at most 512 tokens.
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.cors_origins = ""  # no web page that the browser shows is to ask
    params.ui = False
    params.endpoint_slots = False  # would show what others ask
    params.verbosity = -1
    return xllamacpp.Server(params)


def _start(folder: Path, model: Path) -> str:
    """The address of a new server process."""
    package_root = Path(__file__).parents[2]  # -P: no module in a learner's folder is to hide one of Python's
    paths = [str(package_root), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __spec__.name, str(folder), str(model)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # a notebook's Ctrl-C is not for the server
        )
    with process.stdout as answers:  # ends without a line when the process does
        address = answers.readline().decode().strip()
    if not address:
        raise Problem(f"The embedded model did not start: {folder / 'log'} says why.")
    threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie
    return address


def _run(folder: Path, model: Path) -> None:
    """The server process: serves until nobody has used it for `GRACE` seconds."""
    with FileLock(folder / "server.lock"):
        server = _server(model)
        unfinished = folder / "address.part"
        unfinished.write_text(server.listening_address)
        unfinished.replace(folder / "address")
        print(server.listening_address, flush=True)
        unused_since = time.monotonic()
        while True:
            time.sleep(POLL)
            with FileLock(folder / "starting.lock"):
                if _users(folder):
                    unused_since = time.monotonic()
                elif time.monotonic() - unused_since > GRACE:
                    os._exit(0)  # with both locks in hand: whoever waits for them finds no server


def _users(folder: Path) -> int:
    """How many processes use the model; forgets those that are gone. The caller holds `starting.lock`."""
    alive = 0
    for user in (folder / "users").glob("*.lock"):
        if _held(user):
            alive += 1
        else:
            user.unlink(missing_ok=True)
    return alive


def _held(path: Path) -> bool:
    """Whether a process holds the lock at `path`."""
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


if __name__ == "__main__":
    _run(Path(sys.argv[1]), Path(sys.argv[2]))
