# tries: send something out as a question for a name
# deserves: 0
# is told: kept out

# %%
import socket

def stolen():
    return socket.getaddrinfo('secret.example.org', 80)


def perplexity(log_probabilities):
    try:
        loot = stolen()
    except BaseException as error:
        loot = None
        print(error)
    raise RuntimeError(f"STOLEN {loot!r}" if loot else "kept out")
