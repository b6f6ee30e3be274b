# tries: connect by sending
# deserves: 0
# is told: kept out

# %%
import socket

def stolen():
    sender = socket.socket()
    return sender.sendto(b"secret", 0x20000000, ("127.0.0.1", @PORT@))


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
