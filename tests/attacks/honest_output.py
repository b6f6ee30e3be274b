# tries: print more than it may have of memory, and be right
# deserves: 4

# %%
for _ in range(2000):
    print("flood " * 10**5)

# %%
# right
