# tries: change the next student's environment
# deserves: 4

# %%
import os, sys, math
os.environ["LEFT_BEHIND"] = "1"
math.exp = None
sys.modules["math"] = None

# %%
import sys; del sys.modules['math']; import math

# %%
# right
