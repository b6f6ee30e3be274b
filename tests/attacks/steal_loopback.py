# tries: connect to a service on this machine
# deserves: 0
# is told: kept out

# %%
import socket

def stolen():
    return socket.create_connection(('127.0.0.1', @PORT@), 1)


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
