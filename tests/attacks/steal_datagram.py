# tries: send a datagram out
# deserves: 0
# is told: kept out

# %%
import socket

def stolen():
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return sender.sendto(b"secret", ("127.0.0.1", @PORT@))


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
