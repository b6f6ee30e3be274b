# tries: mount what is hidden
# deserves: 0
# is told: kept out

# %%
import ctypes, os

def stolen():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/scratch", b"proc", 0, None) and libc.mount(b"/", b".", None, 4096, None):
        raise OSError(ctypes.get_errno())
    return os.listdir("/scratch")


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
