# tries: take memory by a file without a name
# deserves: 4

# %%
import os
file = os.memfd_create("much")
os.posix_fallocate(file, 0, 2**34)
open("@CANARY@.taken", "w")

# %%
# right
