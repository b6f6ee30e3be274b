# tries: lock memory, and leave keys in the kernel
# deserves: 4

# %%
import ctypes
libc = ctypes.CDLL(None)
libc.mlockall(3)
libc.syscall(248, b"user", b"left", b"x", 1, -4)

# %%
# right
