# tries: take memory
# deserves: at most 1
# is told: MemoryError

# %%
def perplexity(log_probabilities):
    return len(bytearray(10**11))
