# tries: connect by a TCP that Landlock does not know
# deserves: 0
# is told: kept out

# %%
import socket

def stolen():
    for protocol in (262, 132):
        try:
            line = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
            line.settimeout(1)
            line.connect(("127.0.0.1", @PORT@))
            return protocol
        except OSError as error:
            last = error
    raise last


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
