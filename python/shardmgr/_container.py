# SPDX-License-Identifier: Apache-2.0
"""A container whose application is called from threads."""

from __future__ import annotations

import logging
import select
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional, Protocol

from . import capi
from ._core import Core, Endpoints, Event, Looking, Shard, describe
from ._errors import Error, error_for

log = logging.getLogger("shardmgr")


class App(Protocol):
    """What an application gives. It may also have lost(shard): the session has ended; default: drop is called instead."""

    def add(self, shard: Shard) -> None: ...

    def drop(self, shard: Shard) -> None: ...


class Container(Looking):
    """Carries shards of a service until it is stopped.

    service, id, endpoints, prefix, ttl and the further options are those of sm_options_set in shardmgr.h; id is "host:port", port 0 = any.
    threads: how many shards may be added or dropped at a time; the events of one shard never overlap.
    Use it as a context manager, or call run(). Errors are shardmgr.Error.
    """

    def __init__(
        self,
        service: str,
        id: str,
        app: App,
        *,
        endpoints: Endpoints = "127.0.0.1:2379",
        prefix: str = "/sm",
        ttl: int = 5,
        threads: int = 8,
        open_timeout: Optional[float] = 30.0,
        stop_timeout: float = 30.0,
        **options: Any,
    ) -> None:
        self._arguments = (service, id, {"endpoints": endpoints, "prefix": prefix, "ttl": ttl, **options})
        self._app = app
        self._threads = threads
        self._open_timeout = open_timeout
        self._stop_timeout = stop_timeout
        self._core: Optional[Core] = None
        self._ended = threading.Event()
        self._failure: Optional[Error] = None
        self._dispatcher: Optional[threading.Thread] = None

    # ---- life ----
    def start(self) -> "Container":
        """Registers and begins to take shards. Raises what is wrong with the options, or TimedOut after open_timeout."""
        if self._core is not None:
            raise RuntimeError("a Container starts once")
        self._core = Core(*self._arguments)
        try:
            self._core.wait_open(self._open_timeout)
        except BaseException:
            self._core.close(0)
            raise
        self._dispatcher = threading.Thread(target=self._dispatch, name="shardmgr", daemon=True)
        self._dispatcher.start()
        return self

    def stop(self) -> None:
        """Announces a clean exit and returns: every shard is dropped, then wait() ends. Safe in a signal handler's thread."""
        if self._core is not None:
            self._core.stop()

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Until everything is dropped and released (True), or timeout seconds (False). Raises why the container failed."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self._ended.wait(0.1 if end is None else max(0.0, min(0.1, end - time.monotonic()))):
            if end is not None and time.monotonic() >= end:
                return False
        if self._failure is not None:
            raise self._failure
        return True

    def close(self) -> None:
        """Stops if need be, waits for the drops (at most stop_timeout), ends the session. Again: nothing."""
        if self._core is None:
            return
        self._core.stop()
        if self._dispatcher is not None and self._dispatcher is not threading.current_thread():
            self._ended.wait(self._stop_timeout)
        self._core.close(2.0)
        self._ended.wait(1.0)

    def run(self) -> None:
        """start, carry shards until SIGTERM, SIGINT or stop(), close. In the main thread."""
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {}
        asked = threading.Event()
        try:
            for number in signals:
                before[number] = signal.signal(number, lambda *_: asked.set())
            self.start()
            while not asked.is_set() and not self._ended.wait(0.05):
                pass
            self.stop()
            self.wait(self._stop_timeout)
        finally:
            self.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def __enter__(self) -> "Container":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- events ----
    def _dispatch(self) -> None:
        core = self._core
        assert core is not None
        poll = select.poll()
        poll.register(core.fd, select.POLLIN)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="shardmgr") as pool:
            try:
                while True:
                    poll.poll(1000)
                    event = core.next()
                    while event is not None:
                        pool.submit(self._handle, core, event)
                        event = core.next()
            except Error as error:
                if error.code != capi.SM_ECLOSED:
                    self._failure = error
            except Exception as error:  # a broken dispatcher must not look like an idle one
                log.exception("dispatcher of %s", core.id)
                self._failure = error_for(capi.SM_ESYSTEM, describe(error))
        self._ended.set()

    def _handle(self, core: Core, event: Event) -> None:
        try:
            if event.kind == capi.SM_EVENT_ADD:
                self._app.add(event.shard)
            elif event.kind == capi.SM_EVENT_LOST and hasattr(self._app, "lost"):
                self._app.lost(event.shard)
            else:
                self._app.drop(event.shard)
        except BaseException as error:  # whatever it was, the shard must not hang
            log.warning("%s of shard %s failed", "add" if event.kind == capi.SM_EVENT_ADD else "drop", event.shard.id, exc_info=True)
            core.ack(event.sequence, describe(error))
        else:
            core.ack(event.sequence)
