# SPDX-License-Identifier: Apache-2.0
"""One container handle of libshardmgr, safe to use from threads; what Container and AsyncContainer share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence, Tuple, Union

from . import capi
from ._errors import Closed, Error, error_for
from ._fork import give_lock

STATES = {
    capi.SM_STATE_OPENING: "opening",
    capi.SM_STATE_OPEN: "open",
    capi.SM_STATE_SUSPENDED: "suspended",
    capi.SM_STATE_STOPPING: "stopping",
    capi.SM_STATE_STOPPED: "stopped",
    capi.SM_STATE_FAILED: "failed",
}
SLICE_MS = 100  # longest time in C without looking at signals


@dataclass(frozen=True)
class Shard:
    """A shard that this container was given."""

    id: str
    replica: int
    task: str  #: the shard's opaque application text; empty for drop and lost
    token: int  #: fencing token of the claim: grows with every new owner
    reason: str  #: why, for people; may be empty
    _core: "Core" = field(repr=False, compare=False)

    def held(self) -> int:
        """The fencing token if this process may act for the shard at this instant, else 0."""
        return self._core.held(self.id, self.replica)


@dataclass(frozen=True)
class Event:
    """kind: capi.SM_EVENT_ADD, SM_EVENT_DROP or SM_EVENT_LOST; ends with Core.ack(sequence)."""

    kind: int
    shard: Shard
    sequence: int


def option_text(value: Any) -> str:
    """An option as the C library reads it."""
    if isinstance(value, Mapping):
        return ",".join(f"{k}={v}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    if value is None:
        raise TypeError("an option must have a value, not None")
    return str(value)


def _open(options: Mapping[str, Any]) -> Any:
    handle = capi.sm_options_new()
    cell = capi.new_container_cell()
    try:
        for name, value in options.items():
            code = capi.sm_options_set(handle, name, option_text(value))
            if code < 0:
                raise error_for(code, capi.sm_options_error(handle))
        code = capi.sm_container_open(handle, cell)
        if code < 0:
            raise error_for(code, capi.sm_options_error(handle))
        return capi.container_cell_value(cell)
    finally:
        capi.delete_container_cell(cell)
        capi.sm_options_free(handle)


class Core:
    """Opens on construction; close() exactly once ends it, everything else stays harmless after that."""

    _lock: threading.Lock

    def __init__(self, service: str, id: str, options: Mapping[str, Any]) -> None:
        given = {k: v for k, v in options.items() if v is not None}
        self._handle: Optional[Any] = _open({"service": service, "id": id, **given})
        give_lock(self)  # between close and everything that uses the handle without blocking
        self.id: str = capi.sm_container_id(self._handle)
        self.fd: int = capi.sm_container_fd(self._handle)

    def _use(self) -> Any:
        if self._handle is None:
            raise Closed(capi.SM_ECLOSED)
        return self._handle

    @property
    def state(self) -> str:
        with self._lock:
            return STATES[capi.sm_container_state(self._handle)] if self._handle is not None else "stopped"

    @property
    def error(self) -> str:
        with self._lock:
            if self._handle is None:
                return ""
            cell = capi.text_cell()
            capi.container_error_text(self._handle, cell)
            return str(cell.text)

    def held(self, shard: str, replica: int = 0) -> int:
        with self._lock:
            return capi.sm_shard_held(self._handle, shard, replica) if self._handle is not None else 0

    def wait_open(self, timeout: Optional[float]) -> None:
        """Until registered; looks at signals every SLICE_MS."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SLICE_MS if end is None else max(0, min(SLICE_MS, int((end - time.monotonic()) * 1000)))
            code = capi.sm_container_wait(self._use(), left)
            if code == 0:
                return
            if code != capi.SM_ETIMEDOUT or (end is not None and time.monotonic() >= end):
                raise error_for(code, self.error)

    def next(self) -> Optional[Event]:
        """The next event, None when there is none now; Closed at the end."""
        with self._lock:
            handle = self._use()
            cell = capi.new_event_cell()
            try:
                code = capi.sm_container_next(handle, 0, cell)
                event = capi.event_cell_value(cell) if code == 0 else None
            finally:
                capi.delete_event_cell(cell)
        if code == capi.SM_ETIMEDOUT:
            return None
        if event is None:
            raise error_for(code, self.error)
        try:
            shard = Shard(
                id=capi.sm_event_shard(event),
                replica=capi.sm_event_replica(event),
                task=capi.sm_event_task(event),
                token=capi.sm_event_token(event),
                reason=capi.sm_event_reason(event),
                _core=self,
            )
            return Event(capi.event_kind(event), shard, capi.sm_event_sequence(event))
        finally:
            capi.sm_event_free(event)

    def ack(self, sequence: int, error: Optional[str] = None) -> None:
        with self._lock:
            if self._handle is not None:
                capi.sm_container_ack(self._handle, sequence, error)

    def stop(self) -> None:
        with self._lock:
            if self._handle is not None:
                capi.sm_container_stop(self._handle)

    def close(self, timeout: float) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            capi.sm_container_close(handle, int(timeout * 1000))


class Looking:
    """What Container and AsyncContainer can be asked; each has _core once it was started."""

    _core: Optional[Core]
    _arguments: Tuple[str, str, Mapping[str, Any]]  # service, id, options

    @property
    def id(self) -> str:
        """host:port with the real port."""
        return self._core.id if self._core is not None else self._arguments[1]

    @property
    def state(self) -> str:
        """opening, open, suspended, stopping, stopped or failed"""
        return self._core.state if self._core is not None else "opening"

    @property
    def error(self) -> str:
        """The last trouble; empty if none."""
        return self._core.error if self._core is not None else ""

    def held(self, shard: str, replica: int = 0) -> int:
        """The fencing token if this process may act for the shard at this instant, else 0."""
        return self._core.held(shard, replica) if self._core is not None else 0


Endpoints = Union[str, Sequence[str]]


def describe(error: BaseException) -> str:
    """An application's exception, as the manager shows it."""
    try:
        text = str(error).encode(errors="backslashreplace").decode().replace("\0", "\\0")
    except Exception:  # an exception without a text must be acknowledged, too
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


__all__ = ["Core", "Endpoints", "Error", "Event", "Looking", "Shard", "describe"]
