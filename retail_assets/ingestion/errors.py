"""Errors of sources, each with a message for the user."""

from retail_assets.errors import UserError


class SourceError(UserError):
    """A source that cannot be read; the message says what to do about it."""


class SourceUnreachableError(SourceError):
    """A database that does not answer; it may do so later."""

    may_pass = True


def source_error(error: BaseException) -> SourceError | None:
    """The `SourceError` inside an error that other libraries have wrapped; None without one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SourceError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
