# tries: write warnings to stderr
# deserves: 4

# %%
import sys, warnings
warnings.warn('careful')
print('careful', file=sys.stderr)

# %%
# right
