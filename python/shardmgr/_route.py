# SPDX-License-Identifier: Apache-2.0
"""Who owns a shard, from the view that smd keeps on this host."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple, Optional

from . import capi
from ._errors import Closed, error_for
from ._fork import give_lock


class Owner(NamedTuple):
    """address: the container's id, host:port; token: the fencing token of its claim."""

    address: str
    token: int


class Route:
    """Maps the view read-only; runtime_dir is smd's, default /run/shardmgr. A lookup asks nobody and never blocks."""

    _lock: threading.Lock

    def __init__(self, runtime_dir: Optional[str] = None) -> None:
        cell = capi.new_route_cell()
        try:
            code = capi.sm_route_open(runtime_dir, cell)
            if code < 0:
                raise error_for(code, f"no view in {runtime_dir or '/run/shardmgr'}: is smd running there?")
            self._handle: Optional[Any] = capi.route_cell_value(cell)
        finally:
            capi.delete_route_cell(cell)
        give_lock(self)

    def lookup(self, service: str, shard: str, replica: int = 0) -> Optional[Owner]:
        """The owner that is ready to serve the shard, None when there is none."""
        with self._lock:
            if self._handle is None:
                raise Closed(capi.SM_ECLOSED)
            text, token = capi.text_cell(), capi.new_token_cell()
            try:
                code = capi.route_lookup_text(self._handle, service, shard, replica, text, token)
                if code == capi.SM_ENOENT:
                    return None
                if code < 0:
                    raise error_for(code)
                return Owner(text.text, capi.token_cell_value(token))
            finally:
                capi.delete_token_cell(token)

    @property
    def age(self) -> Optional[float]:
        """Seconds since the view was last known to be in step with etcd; None while that is unknown."""
        with self._lock:
            if self._handle is None:
                raise Closed(capi.SM_ECLOSED)
            ms = capi.sm_route_age_ms(self._handle)
            return None if ms < 0 else ms / 1000

    def close(self) -> None:
        """Lets the view go."""
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            capi.sm_route_close(handle)

    def __enter__(self) -> "Route":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
