# tries: read what is asked and never answer
# deserves: at most 1

# %%
def perplexity(log_probabilities):
    import os
    os.closerange(0, 1024)
    import time
    time.sleep(1000)
