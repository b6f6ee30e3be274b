# tries: climb out of the root
# deserves: 0
# is told: kept out

# %%
import os

def stolen():
    os.chroot(".")
    for _ in range(20):
        os.chdir("..")
    return os.listdir(".")


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
