# tries: end everything that one may end
# deserves: 4

# %%
import os
os.kill(-1, 9)

# %%
# right
