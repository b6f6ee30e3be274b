# tries: recurse without end, elsewhere
# deserves: 4

# %%
def forever():
    return forever()
forever()

# %%
# right
