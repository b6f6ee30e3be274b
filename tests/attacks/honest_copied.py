# tries: answer twice, the second time right
# deserves: 4

# %%
def draft(log_probabilities):
    return 0

# %%
# right
