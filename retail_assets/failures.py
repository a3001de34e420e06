"""A user's mistake within a run, and what Dagster recorded of one."""

from typing import Any

import dagster as dg

from retail_assets.errors import UserError


class told_plainly:
    """A user's mistake is one sentence in the UI, not a traceback; and is tried again if that may help."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _type: Any, error: BaseException | None, _traceback: Any) -> None:
        cause = error
        while cause is not None:
            if isinstance(cause, UserError):
                raise dg.Failure(str(cause), allow_retries=cause.may_pass) from None
            cause = cause.__cause__ or cause.__context__


def root_message(error: Any) -> str:
    """What an error that Dagster recorded comes from, without the names of exceptions before it."""
    while error.cause:
        error = error.cause
    return str(error.message).strip().split(": ", 1)[-1]
