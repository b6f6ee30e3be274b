# tries: crash the interpreter
# deserves: 4

# %%
import ctypes
ctypes.string_at(0)

# %%
# right
