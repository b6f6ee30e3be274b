# tries: a tensor that answers operations itself
# deserves: at most 1

# %%
import torch


class Sly(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True


def perplexity(log_probabilities):
    return torch.zeros(()).as_subclass(Sly)
