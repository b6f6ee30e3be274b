"""The warm parent: imports once what lessons use, then forks a sandbox whenever it is handed a channel.

It never holds solutions, hidden checks or results, because every sandbox inherits its memory. It hides the files that
no submission needs from itself, and so from all of them.
Run as `python -m grader.sandbox.warm FD`; FD is a datagram socket on which each message carries one channel.
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import tempfile

from grader.sandbox import namespaces
from grader.sandbox.layers import MOUNT, PROCESS


def main(requests: socket.socket) -> None:
    """Forks a sandbox for each channel that arrives, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader, which ends its sandboxes itself
    held = set()
    proc = os.open("/proc", os.O_RDONLY) if os.path.isdir("/proc") else -1
    if namespaces.works(namespaces.new_processes, proc):
        namespaces.new_processes(proc)
        namespaces.become_first_process()
        held.add(PROCESS)
    with tempfile.TemporaryDirectory(prefix="grader-home-") as home:  # gone before the first submission comes
        os.environ.update(HOME=home, IPYTHONDIR=home)
        shell = warm_up()
    from grader.sandbox import inside, lock

    paths = namespaces.readable()
    if namespaces.works(namespaces.hide_files, paths):
        namespaces.hide_files(paths)
        held.add(MOUNT)
    makes_scratch = MOUNT in held and namespaces.works(namespaces.new_scratch, 2**20, os.geteuid())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    gc.collect()
    gc.freeze()  # else each sandbox's first collection copies the memory that it shares with this process
    requests.send(b"ready scratch" if makes_scratch else b"ready")
    while True:
        message, channels, *_ = socket.recv_fds(requests, 16, 1)
        if not message:
            return
        with namespaces.for_next_process(proc) if PROCESS in held else contextlib.nullcontext():
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    inside.run(socket.socket(fileno=channels[0]), shell, lock.Around(held, paths, proc))
                finally:
                    os._exit(0)
        os.close(channels[0])


def warm_up():
    """An IPython shell, with everything imported, and run once, that each sandbox would otherwise pay for itself."""
    import matplotlib

    matplotlib.use("Agg")
    import jaxtyping  # noqa: F401
    import requests  # noqa: F401
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    with contextlib.suppress(ImportError, RuntimeError):  # RuntimeError: without libseccomp
        importlib.import_module("pyseccomp")
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None  # nobody reads it, and it costs a tenth of a second
    shell._tee = lambda channel: contextlib.nullcontext()  # else all that a cell prints is kept in memory
    layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    inputs = torch.randn(1, 3, 8, requires_grad=True)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        outputs, _ = layer.to(dtype)(*[inputs.to(dtype)] * 3)
        torch.einsum("bld,bmd->blm", outputs, outputs).softmax(-1).masked_fill(torch.ones(3, 3).bool(), 0).sum()
        outputs.float().exp().mean().backward(retain_graph=True)
    layer.load_state_dict(layer.state_dict())
    shell.run_cell("pass", store_history=False, silent=True)
    return shell


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
