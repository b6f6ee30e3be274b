"""What goes wrong for reasons that a person can mend."""


class Problem(Exception):
    """A mistake of the user's or trouble of the machine's, said in one sentence that also says what to do."""
