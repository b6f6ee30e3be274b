# tries: read the solutions through a link in the scratch folder
# deserves: 0
# is told: kept out

# %%
import os

def stolen():
    os.symlink("@SOLUTIONS@/1_first/example/lesson.py", "link")
    return open("link").read()


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
