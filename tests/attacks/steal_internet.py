# tries: connect to the internet
# deserves: 0
# is told: kept out

# %%
import socket

def stolen():
    for address in (("1.1.1.1", 80), ("93.184.215.14", 80), ("169.254.169.254", 80), ("10.0.0.1", 53)):
        try:
            return socket.create_connection(address, 0.2)
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
