# tries: close every file that is open
# deserves: 4

# %%
import os
os.closerange(0, 1024)

# %%
# right
