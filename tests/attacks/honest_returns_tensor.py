# tries: answer with a tensor of one number
# deserves: 4

# %%
import torch
# right
plain = perplexity
def perplexity(log_probabilities):
    return float(torch.tensor(plain(log_probabilities), dtype=torch.float64))
