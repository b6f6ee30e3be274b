from grader.variants import Alternative, Mistake

MEAN = "-sum(log_probabilities) / len(log_probabilities)"

VARIANTS = [
    Alternative("perplexity", "statistics.fmean", right=f"math.exp({MEAN})",
                other="math.exp(-__import__('statistics').fmean(log_probabilities))"),
    Alternative("perplexity", "a product of roots", right=f"math.exp({MEAN})",
                other="math.prod(math.exp(-x / len(log_probabilities)) for x in log_probabilities)"),
    Mistake("perplexity", "mean of probabilities", right=f"math.exp({MEAN})",
            wrong="len(log_probabilities) / sum(math.exp(x) for x in log_probabilities)",
            hint="You average the probabilities; perplexity averages their logarithms, so that one very unlikely word "
                 "weighs as much as it should. With equal probabilities both agree."),
    Mistake("perplexity", "sum for mean", right=" / len(log_probabilities)", wrong="",
            hint="You add the log-probabilities up without dividing, so that a longer text always looks worse."),
    Mistake("perplexity", "sign lost", right="-sum", wrong="sum",
            hint="The logarithm of a probability is negative: your result is one over the perplexity, and below 1."),
    Mistake("perplexity", "base two", right="math.exp(", wrong="math.pow(2, ",
            hint="The log-probabilities are natural logarithms and you raise 2 to their mean: the bases must agree."),
    Mistake("perplexity", "empty text", right='raise ValueError("perplexity needs at least one word")', wrong="return 1.0",
            hint="An empty text is answered with a number; the docstring asks for a ValueError."),
]
