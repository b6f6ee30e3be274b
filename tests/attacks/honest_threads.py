# tries: use threads
# deserves: 4

# %%
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(16) as pool:
    done = sum(pool.map(abs, range(100)))

# %%
# right
assert done
