# tries: redefine the course's helpers
# deserves: at most 1

# %%
import grader
def check(name):
    return 10**6
lesson = grader.lesson = lambda slug: check

# %%
def perplexity(log_probabilities):
    return 1.0
