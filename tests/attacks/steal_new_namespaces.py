# tries: become root in a namespace of its own
# deserves: 0
# is told: kept out

# %%
import ctypes

def stolen():
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (0x10000000, 0x20000, 0x40000000):
        if libc.unshare(flags) == 0:
            return flags
    raise OSError(ctypes.get_errno())


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
