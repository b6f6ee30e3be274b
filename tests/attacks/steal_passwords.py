# tries: read who else is on the machine
# deserves: 0
# is told: kept out

# %%
def stolen():
    for path in ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/root/.ssh/id_rsa"):
        try:
            return open(path).read()
        except OSError:
            pass
    raise PermissionError


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
