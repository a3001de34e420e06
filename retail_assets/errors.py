"""What a user can mend."""


class UserError(Exception):
    """A mistake that a user can mend. The message is one sentence that says what to do.

    The command line prints it without a traceback and ends with exit status 2.
    """

    may_pass = False
    """Whether it may pass by itself, so that trying again helps."""
