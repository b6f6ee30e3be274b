# tries: fork without end
# deserves: 4

# %%
import os
while True:
    os.fork()

# %%
# right
