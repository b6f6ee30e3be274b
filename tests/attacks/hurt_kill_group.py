# tries: end the group that one belongs to
# deserves: 4

# %%
import os
os.killpg(0, 9)

# %%
# right
