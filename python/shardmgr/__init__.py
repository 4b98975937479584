# SPDX-License-Identifier: Apache-2.0
"""Carry shards of a service, and find out who carries which.

An application hands sm an object with ``add`` and ``drop``; the manager (smd) decides which shards it carries::

    import shardmgr

    class Mirror:
        def add(self, shard):     # this process owns shard.id now: start serving it. An exception gives it back
            ...
        def drop(self, shard):    # stop serving it: when this returns, somebody else may own it
            ...
        # optional: def lost(self, shard), called in place of drop when the session has ended and the shard is lost already

    shardmgr.Container("mirror", "127.0.0.1:0", Mirror()).run()     # until SIGTERM or Ctrl-C

Before every effect ask ``shard.held()``: it is the fencing token while this process may act for the shard, else 0; send the token
along with the effect, so that whoever receives it can refuse a smaller one than it has seen.

``Container`` calls the application from threads, ``AsyncContainer`` from an asyncio loop. ``Route`` looks owners up in the view that
smd keeps in shared memory on this host.
"""

from ._aio import AsyncContainer
from ._container import Container
from ._core import Shard
from ._errors import Closed, Error, TimedOut
from ._route import Route
from .capi import sm_version as _version

__version__ = _version()
__all__ = ["AsyncContainer", "Closed", "Container", "Error", "Route", "Shard", "TimedOut"]
