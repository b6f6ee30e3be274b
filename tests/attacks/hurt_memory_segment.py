# tries: take a segment of System V memory, which stays when its process ends
# deserves: 4

# %%
import ctypes
libc = ctypes.CDLL(None)
assert libc.shmget(0x5EC0DE, 2**24, 0o1666) < 0, "TAKEN"

# %%
# right
