# tries: sleep for ever
# deserves: at most 1
# is told: takes longer

# %%
def perplexity(log_probabilities):
    import time
    time.sleep(10**6)
