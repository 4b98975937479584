# SPDX-License-Identifier: Apache-2.0
"""Locks and fork: in a forked child the thread that held a lock is not there to let it go, so the child gets new ones."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class _Locked(Protocol):
    _lock: threading.Lock


_alive: "weakref.WeakSet[_Locked]" = weakref.WeakSet()


def give_lock(owner: _Locked) -> None:
    """owner._lock, usable in a forked child, too."""
    owner._lock = threading.Lock()
    _alive.add(owner)


def _forked() -> None:
    for owner in list(_alive):
        owner._lock = threading.Lock()


os.register_at_fork(after_in_child=_forked)
