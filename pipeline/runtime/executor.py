"""Runs tasks, one after another or through Ray. The only module that knows Ray.

A task is any picklable value; a stage function takes one and a ``tick`` callback and returns a
picklable result. What it computes must not depend on where or in which order it runs.
"""

from __future__ import annotations

import abc
import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pipeline
from pipeline.core.errors import ConfigError, GristmillError, RunError

__all__ = ["Executor", "RayExecutor", "SerialExecutor", "Tick"]

Tick = Callable[[Mapping[str, int]], None]
Work = Callable[[Any, Tick], Any]
OnTick = Callable[[Mapping[int, Mapping[str, int]]], None]

TICK_SECONDS = 0.5


class Executor(abc.ABC):
    """Context manager around whatever runs the tasks."""

    @abc.abstractmethod
    def __enter__(self) -> Executor: ...

    @abc.abstractmethod
    def __exit__(self, *error: object) -> None: ...

    @abc.abstractmethod
    def run(
        self, work: Work, tasks: Sequence[Any], on_tick: OnTick | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Yield ``(position in tasks, result)`` as tasks end, in any order.

        Args:
            work: an importable function ``(task, tick) -> result``.
            tasks: picklable values.
            on_tick: receives the latest counts of each running task, about twice a second.

        Raises:
            GristmillError: what a task raised on purpose, as it was.
            RunError: a task failed for another reason, or its worker died again and again.
        """


class SerialExecutor(Executor):
    """Everything in this process, in order. For tests, debugging and notebooks."""

    def __enter__(self) -> SerialExecutor:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def run(
        self, work: Work, tasks: Sequence[Any], on_tick: OnTick | None = None
    ) -> Iterator[tuple[int, Any]]:
        for position, task in enumerate(tasks):

            def tick(counts: Mapping[str, int], position: int = position) -> None:
                if on_tick is not None:
                    on_tick({position: counts})

            yield position, work(task, tick)


class RayExecutor(Executor):
    """Tasks on Ray: a local one started here, or a cluster joined by address.

    Ray starts with the first task, so that a run with nothing to do does without it.

    Args:
        workers: tasks in flight at most; None for one per CPU of the cluster.
        address: a Ray cluster (``"auto"``, ``"host:6379"``, ``"ray://host:10001"``); None starts
            a local Ray that ends with this process.
        retries: how often a task is tried again after its worker died.
    """

    def __init__(self, workers: int | None = None, address: str | None = None, retries: int = 3):
        if workers is not None and workers < 1:
            raise ConfigError(f"--workers must be at least 1, not {workers}")
        self.workers, self.address, self.retries = workers, address, retries
        self._owned = self._started = False
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> RayExecutor:
        return self

    def _start(self) -> None:
        if self._started:
            return
        # Ray wants these before it is imported; a user's own settings win.
        for name, value in (
            ("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"),
            ("RAY_USAGE_STATS_ENABLED", "0"),
            ("RAY_RUNTIME_ENV_LOG_TO_DRIVER_ENABLED", "0"),
        ):
            os.environ.setdefault(name, value)
        import ray

        if not ray.is_initialized():
            # Ray puts the driver's working directory on its workers' sys.path, where a file
            # called pipeline.py would take our place; an explicit working directory prevents it.
            empty = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gristmill-"))
            environment = {"working_dir": empty}
            local: dict[str, Any] = {}
            if self.address is None:
                local = {"num_cpus": self.workers, "include_dashboard": False}
            try:
                ray.init(
                    address=self.address or "local",
                    runtime_env=environment,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **local,
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise RunError(
                    f"cannot {'reach Ray at ' + self.address if self.address else 'start Ray'}: {error}"
                ) from error
            self._owned = True
        self._check_workers()
        self._started = True

    def __exit__(self, *error: object) -> None:
        if self._owned:
            import ray

            ray.shutdown()
        self._owned = self._started = False
        self._stack.close()

    def _check_workers(self) -> None:
        import ray

        probe = ray.remote(_identify)
        try:
            found, version = ray.get(probe.remote())
        except ray.exceptions.RayError as error:
            raise ConfigError(
                "Ray's workers cannot import Gristmill: another module called 'pipeline' is in "
                f"its place, or it is not installed there (install gristmill {pipeline.__version__} "
                f"on every node). Ray says: {error}"
            ) from error
        if found != pipeline.DISTRIBUTION:
            raise ConfigError(f"Ray's workers import 'pipeline' from {found}, which is not ours")
        if version != pipeline.__version__:
            raise ConfigError(
                f"Ray's workers have gristmill {version}, this process has {pipeline.__version__}; "
                "install the same version on every node"
            )

    def run(
        self, work: Work, tasks: Sequence[Any], on_tick: OnTick | None = None
    ) -> Iterator[tuple[int, Any]]:
        self._start()
        import ray

        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        width = self.workers or max(1, int(resources.get("CPU", 1)))
        board: Any = ray.remote(num_cpus=0)(_Board).remote()
        remote = ray.remote(max_retries=self.retries)(_run_task)
        waiting = iter(enumerate(tasks))
        running: dict[Any, int] = {}
        folder = os.getcwd()

        def fill() -> None:
            while len(running) < width:
                following = next(waiting, None)
                if following is None:
                    return
                position, task = following
                running[remote.remote(work, task, position, board, folder)] = position

        try:
            fill()
            while running:
                done, _ = ray.wait(list(running), num_returns=1, timeout=TICK_SECONDS)
                if on_tick is not None:
                    on_tick(ray.get(board.latest.remote()))
                for reference in done:
                    position = running.pop(reference)
                    try:
                        result = ray.get(reference)
                    except ray.exceptions.RayTaskError as error:
                        cause = error.cause
                        if isinstance(cause, GristmillError):
                            raise cause from error
                        raise RunError(f"task {tasks[position]!r} failed: {error}") from error
                    except ray.exceptions.RayError as error:
                        raise RunError(
                            f"task {tasks[position]!r} lost its worker {self.retries + 1} times: "
                            f"{error}"
                        ) from error
                    fill()
                    yield position, result
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            ray.kill(board)


class _Board:
    """Ray actor: the latest counts of each running task."""

    def __init__(self) -> None:
        self._latest: dict[int, Mapping[str, int]] = {}

    def update(self, position: int, counts: Mapping[str, int]) -> None:
        self._latest[position] = counts

    def latest(self) -> dict[int, Mapping[str, int]]:
        return self._latest


def _identify() -> tuple[str, str]:
    found = getattr(pipeline, "DISTRIBUTION", pipeline.__file__ or "?")
    return found, getattr(pipeline, "__version__", "?")


def _run_task(work: Work, task: Any, position: int, board: Any, folder: str) -> Any:
    # Relative input paths mean what they mean to the person who typed them.
    if os.path.isdir(folder):
        os.chdir(folder)
    last = time.monotonic()

    def tick(counts: Mapping[str, int]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TICK_SECONDS:
            last = now
            board.update.remote(position, dict(counts))

    return work(task, tick)
