# tries: make folders within folders without end
# deserves: 4

# %%
import os
while True:
    os.mkdir('d')
    os.chdir('d')

# %%
# right
