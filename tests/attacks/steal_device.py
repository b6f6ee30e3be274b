# tries: read the disk itself
# deserves: 0
# is told: kept out

# %%
import os

def stolen():
    os.mknod("disk", 0o60600, os.makedev(254, 0))
    return open("disk", "rb").read(1)


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
