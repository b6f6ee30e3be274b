# ---
# title: SLUG
# minutes: 10
# seconds: 30
# difficulty: easy
# ---

# %% [markdown]
# After this lesson you can say how surprised a language model is by a text, as one number that people compare models
# by. *(This is an example. Put your own lesson in its place: what one will be able to do, and why the job needs it.)*

# %% setup
import math

from grader import lesson

check = lesson("SLUG")

# %% [markdown]
# ## Perplexity
# A model gave the words of a text the probabilities ½, ¼ and ¼. On average it was as unsure as if it had chosen among
# $2^{5/3} ≈ 3.17$ equally likely words. That number is the **perplexity**.

# %%
probabilities = [0.5, 0.25, 0.25]
print([round(math.log(p), 3) for p in probabilities])

# %% exercise="perplexity"
def perplexity(log_probabilities: list[float]) -> float:
    """The perplexity of a text: e to the power of the mean negative log-probability of its words.

    Args:
        log_probabilities: the natural logarithm of each word's probability, at least one.

    Raises:
        ValueError: the list is empty.
    """
    ### BEGIN SOLUTION
    if not log_probabilities:
        raise ValueError("perplexity needs at least one word")
    return math.exp(-sum(log_probabilities) / len(log_probabilities))
    ### END SOLUTION

# %% check="perplexity"

# %% [markdown] written="meaning" points=2
# **In your own words:** a model has perplexity 20 on one text and 400 on another. What does that say about the texts?
# (2 points: names the number of equally likely choices; names what the model was trained on.)
#
# ### BEGIN SOLUTION
# On the first text the model is as unsure as if it chose among 20 equally likely words each time, on the second among
# 400: the second is less like what it was trained on, or simply less predictable.
# ### END SOLUTION
