# tries: read what neighbours write
# deserves: 0
# is told: kept out

# %%
def stolen():
    import glob
    return glob.glob("/tmp/*") + glob.glob("/dev/shm/*") + glob.glob("/scratch/../*/submission-*")


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
