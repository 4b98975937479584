# SPDX-License-Identifier: Apache-2.0
"""A container whose application is called from an asyncio loop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Optional, Protocol, Set

from . import capi
from ._core import Core, Endpoints, Event, Looking, Shard, describe
from ._errors import Error

log = logging.getLogger("shardmgr")


class AsyncApp(Protocol):
    """As for Container, with coroutines."""

    async def add(self, shard: Shard) -> None: ...

    async def drop(self, shard: Shard) -> None: ...


class AsyncContainer(Looking):
    """``async with AsyncContainer("mirror", "127.0.0.1:0", app) as c: await c.wait()``; arguments as for Container.

    Every event is a task of its own; those of one shard never overlap. Nothing here blocks the loop."""

    def __init__(
        self,
        service: str,
        id: str,
        app: AsyncApp,
        *,
        endpoints: Endpoints = "127.0.0.1:2379",
        prefix: str = "/sm",
        ttl: int = 5,
        open_timeout: Optional[float] = 30.0,
        stop_timeout: float = 30.0,
        **options: Any,
    ) -> None:
        self._arguments = (service, id, {"endpoints": endpoints, "prefix": prefix, "ttl": ttl, **options})
        self._app = app
        self._open_timeout = open_timeout
        self._stop_timeout = stop_timeout
        self._core: Optional[Core] = None
        self._ended: "Optional[asyncio.Future[None]]" = None
        self._tasks: "Set[asyncio.Task[None]]" = set()

    async def start(self) -> "AsyncContainer":
        """Registers and begins to take shards."""
        if self._core is not None:
            raise RuntimeError("an AsyncContainer starts once")
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        self._core = core = Core(*self._arguments)
        try:
            await self._opened(core)
        except BaseException:
            await loop.run_in_executor(None, core.close, 0.0)
            raise
        loop.add_reader(core.fd, self._drain)
        self._drain()
        return self

    async def _opened(self, core: Core) -> None:
        loop = asyncio.get_running_loop()
        end = None if self._open_timeout is None else loop.time() + self._open_timeout
        while True:
            try:
                return await loop.run_in_executor(None, core.wait_open, 0.1)
            except TimeoutError:
                if end is not None and loop.time() >= end:
                    raise

    def stop(self) -> None:
        """Announces a clean exit and returns; wait() ends when everything is dropped and released."""
        if self._core is not None:
            self._core.stop()

    async def wait(self) -> None:
        """Until everything is dropped and released. Raises why the container failed."""
        assert self._ended is not None, "start first"
        await asyncio.shield(self._ended)

    async def close(self) -> None:
        """Stops if need be, waits for the drops (at most stop_timeout), ends the session. Again: nothing."""
        core, ended = self._core, self._ended
        if core is None or ended is None:
            return
        core.stop()
        await asyncio.wait([ended], timeout=self._stop_timeout)
        loop = asyncio.get_running_loop()
        loop.remove_reader(core.fd)
        await loop.run_in_executor(None, core.close, 2.0)
        if not ended.done():
            ended.set_result(None)
        ended.exception()  # seen

    async def __aenter__(self) -> "AsyncContainer":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _drain(self) -> None:
        core, ended = self._core, self._ended
        assert core is not None and ended is not None
        loop = asyncio.get_running_loop()
        try:
            event = core.next()
            while event is not None:
                task = loop.create_task(self._handle(core, event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                event = core.next()
        except Error as error:
            loop.remove_reader(core.fd)
            if not ended.done():
                if error.code == capi.SM_ECLOSED:
                    ended.set_result(None)
                else:
                    ended.set_exception(error)

    async def _handle(self, core: Core, event: Event) -> None:
        try:
            if event.kind == capi.SM_EVENT_ADD:
                await self._app.add(event.shard)
            elif event.kind == capi.SM_EVENT_LOST and hasattr(self._app, "lost"):
                await self._app.lost(event.shard)
            else:
                await self._app.drop(event.shard)
        except BaseException as error:  # whatever it was, the shard must not hang
            log.warning("%s of shard %s failed", "add" if event.kind == capi.SM_EVENT_ADD else "drop", event.shard.id, exc_info=True)
            core.ack(event.sequence, describe(error))
            if isinstance(error, asyncio.CancelledError):
                raise
        else:
            core.ack(event.sequence)
