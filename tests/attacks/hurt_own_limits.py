# tries: raise its own limits
# deserves: 4

# %%
import resource
for name in dir(resource):
    if name.startswith("RLIMIT_"):
        try:
            resource.setrlimit(getattr(resource, name), (-1, -1))
        except (OSError, ValueError):
            pass
pieces = [bytearray(2**28) for _ in range(100)]

# %%
# right
