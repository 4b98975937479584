# SPDX-License-Identifier: Apache-2.0
"""Errors of the library as exceptions."""

from __future__ import annotations

from . import capi


class Error(Exception):
    """What went wrong (code: one of shardmgr.h's enum sm_error), where, and what to do about it."""

    def __init__(self, code: int, text: str = "") -> None:
        self.code = code
        super().__init__(f"{text} ({capi.sm_error_text(code)})" if text else capi.sm_error_text(code))


class TimedOut(Error, TimeoutError):
    """The time that the caller gave is over."""


class Closed(Error):
    """The container was stopped or closed."""


def error_for(code: int, text: str = "") -> Error:
    """The exception for a negative result."""
    kind = {capi.SM_ETIMEDOUT: TimedOut, capi.SM_ECLOSED: Closed}.get(code, Error)
    return kind(code, text)
