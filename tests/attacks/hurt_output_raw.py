# tries: write to the terminal past Python
# deserves: 4

# %%
import os
for number in (1, 2):
    for _ in range(1000):
        os.write(number, b'flood' * 10**4)

# %%
# right
