# tries: become another program
# deserves: 4

# %%
import os
os.execv('/bin/sleep', ['sleep', '1000'])

# %%
# right
