# tries: compute for ever
# deserves: at most 1
# is told: takes longer

# %%
def perplexity(log_probabilities):
    while True:
        pass
