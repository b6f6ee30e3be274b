# tries: press on with sys.exit at the end of a cell
# deserves: 4

# %%
import sys
sys.exit()

# %%
# right
