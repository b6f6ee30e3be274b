# tries: reach the host by a protocol that is not IP
# deserves: 0
# is told: kept out

# %%
import socket

def stolen():
    for family in (40, 16, 17, 38, 31, 29):  # VM, netlink, packet, crypto, Bluetooth, CAN
        try:
            return socket.socket(family, socket.SOCK_RAW if family in (16, 17) else socket.SOCK_SEQPACKET if family == 38 else socket.SOCK_STREAM)
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
