# tries: fill memory through files in the scratch folder
# deserves: 4

# %%
import os
for number in range(1000):
    with open(f"file{number}", "wb") as file:
        file.write(b"x" * 2**24)

# %%
# right
