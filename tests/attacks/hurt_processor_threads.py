# tries: compute for ever in many threads
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    import threading
    for _ in range(1000):
        threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()
