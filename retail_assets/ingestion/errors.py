"""What can be wrong with a source, in a sentence for people."""

from retail_assets.errors import UserError


class SourceError(UserError):
    """A source that cannot be read; the message says what to do about it."""


class SourceUnreachableError(SourceError):
    """A database that does not answer; it may do so later."""

    may_pass = True


def source_error(error: BaseException) -> SourceError | None:
    """What a source said, of an error that other libraries have wrapped."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SourceError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
