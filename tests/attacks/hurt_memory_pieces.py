# tries: take memory piece by piece
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    pieces = []
    while True:
        pieces.append(bytearray(10**7))
