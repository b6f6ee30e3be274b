import math

from grader.checks import assert_close, assert_equal, check, inputs_after, raises

HINTS = {
    "perplexity": [
        "What is the average of the log-probabilities of the example above?",
        "A logarithm is undone by the exponential of the same base; mind the sign.",
    ]
}

# told when an exercise holds: why it matters, or what professionals do
AFTER = {"perplexity": "It is the first number in every report on a language model: lower is better, on the same text."}


@check("perplexity")
def test_equal_choices(submission, random):
    """Among n equally likely words the perplexity is n, however long the text."""
    for n in (1, 2, random.randint(3, 1000)):
        words = random.randint(1, 20)
        seen = submission.perplexity([math.log(1 / n)] * words)
        assert_close(seen, n, f"{words} words, each with probability 1/{n}: how many choices is that?")


@check("perplexity")
def test_inverse_geometric_mean(submission, random):
    """It is one over the geometric mean of the probabilities."""
    probabilities = [random.uniform(0.01, 1) for _ in range(random.randint(2, 9))]
    seen = submission.perplexity([math.log(p) for p in probabilities])
    expected = 1 / math.prod(probabilities) ** (1 / len(probabilities))
    assert_close(seen, expected, "With unequal probabilities: think about where the mean is taken.")


@check("perplexity", hidden=True)
def test_empty(submission):
    """An empty text has no perplexity: ValueError."""
    with raises("ValueError"):
        submission.perplexity([])


@check("perplexity", hidden=True)
def test_list_is_left_alone(submission, random):
    """The list that it is given stays as it was."""
    given = [-random.random() for _ in range(5)]
    (after,), _ = inputs_after(submission.perplexity, given)
    assert_equal(after, given, "The list was changed.")
