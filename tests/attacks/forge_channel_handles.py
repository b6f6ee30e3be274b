# tries: send handles that the grader never gave out
# deserves: 0

# %%
import os, socket, stat, struct
import msgpack


def channel():
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return socket.socket(fileno=os.dup(number))
        except OSError:
            pass


def frame(kind, content):
    return struct.pack(">cI", kind, len(content)) + content

# %%
def perplexity(log_probabilities):
    handle = msgpack.ExtType(5, msgpack.packb([10**6, "float", True]))
    channel().sendall(frame(b"P", msgpack.packb(["return", handle])))
