"""Concurrent jobs; of several errors the first is raised, not in a group."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager


async def gather_fail_fast(jobs: Iterable[Coroutine[None, None, None]]) -> None:
    """Run a few jobs concurrently; the first error stops the others and is raised as it is."""
    async with task_group() as group:
        for job in jobs:
            group.create_task(job)


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Run jobs beside the body of the context; the first error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
