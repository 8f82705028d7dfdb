"""The peers, each as its own documentation runs it: procrastinate and pgqueuer, with jobs that do nothing.

They are loaded by name because only ``make bench`` installs them.
"""

import asyncio
import importlib
import logging
import os
import time
from collections.abc import Callable
from typing import Any

import psycopg

DATABASE_URL = os.environ["DATABASE_URL"]
BULK = 1000


class Procrastinate:
    """procrastinate's worker on its PostgreSQL connector."""

    def __init__(self, on_job: Callable[[int], None] = lambda _number: None) -> None:
        logging.getLogger("procrastinate").setLevel(logging.ERROR)
        library: Any = importlib.import_module("procrastinate")
        self.app = library.App(connector=library.PsycopgConnector(conninfo=DATABASE_URL, max_size=12))
        self.on_job = on_job

        async def nothing(number: int) -> None:
            self.on_job(number)

        self.task = self.app.task(name="nothing")(nothing)

    async def install(self) -> None:
        """Create the tables, unless they are there."""
        async with self.app.open_async():
            if not await self.app.check_connection_async():
                await self.app.schema_manager.apply_schema_async()

    def synchronous(self) -> Any:
        """A connector for plain code, with the same database."""
        library: Any = importlib.import_module("procrastinate")
        return library.SyncPsycopgConnector(conninfo=DATABASE_URL)

    def work(self) -> None:
        """Run the worker until killed."""

        async def run() -> None:
            async with self.app.open_async():
                await self.app.run_worker_async()

        asyncio.run(run())

    async def _drain(self, count: int, concurrency: int) -> float:
        async with self.app.open_async():
            for start in range(0, count, BULK):
                entries = [{"number": number} for number in range(start, min(count, start + BULK))]
                await self.task.batch_defer_async(*entries)
            began = time.perf_counter()
            await self.app.run_worker_async(
                wait=False, concurrency=concurrency, install_signal_handlers=False
            )
            return count / (time.perf_counter() - began)

    def drain(self, count: int, concurrency: int = 1) -> float:
        """Jobs per second when ``count`` jobs that do nothing wait."""
        done: list[int] = []
        self.on_job = done.append
        rate = asyncio.run(self._drain(count, concurrency))
        assert len(done) == count
        return rate


class PgQueuer:
    """pgqueuer's queue manager on its psycopg driver, in its drain mode."""

    def __init__(self) -> None:
        logging.getLogger("pgqueuer").setLevel(logging.ERROR)
        self.drivers: Any = importlib.import_module("pgqueuer.adapters.drivers.psycopg")
        self.managers: Any = importlib.import_module("pgqueuer.core.qm")
        self.queries: Any = importlib.import_module("pgqueuer.queries")
        self.types: Any = importlib.import_module("pgqueuer.types")

    async def install(self) -> None:
        """Create the tables."""
        async with await psycopg.AsyncConnection.connect(DATABASE_URL, autocommit=True) as connection:
            await self.queries.Queries(self.drivers.PsycopgDriver(connection)).install()

    async def _drain(self, count: int, batch_size: int) -> float:
        connection = await psycopg.AsyncConnection.connect(DATABASE_URL, autocommit=True)
        async with connection, self.drivers.PsycopgDriver(connection) as driver:
            manager = self.managers.QueueManager(self.queries.Queries(driver))
            done: list[int] = []

            async def nothing(job: Any) -> None:
                done.append(job.id)

            manager.entrypoint("nothing")(nothing)
            await manager.queries.enqueue(["nothing"] * count, [None] * count, [0] * count)
            began = time.perf_counter()
            await manager.run(mode=self.types.QueueExecutionMode.drain, batch_size=batch_size)
            seconds = time.perf_counter() - began
            assert len(done) == count
            return count / seconds

    def drain(self, count: int, batch_size: int = 10) -> float:
        """Jobs per second when ``count`` jobs that do nothing wait."""
        return asyncio.run(self._drain(count, batch_size))
