"""What can be wrong with a source, in a sentence for people."""

from retail_assets.errors import UserError


class SourceError(UserError):
    """A source that cannot be read; the message says what to do about it."""


class SourceUnreachableError(SourceError):
    """A database that does not answer; it may do so later."""
