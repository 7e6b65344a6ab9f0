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
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError, GristmillError, RunError
from pipeline.runtime.cluster import check_address, has_node_here, joined, refusal
from pipeline.runtime.on_worker import (
    TICK_SECONDS,
    Board,
    Setting,
    cannot_import,
    check_identity,
    identify,
    run_task,
)

__all__ = ["Executor", "RayExecutor", "SerialExecutor", "Tick"]

Tick = Callable[[Mapping[str, int]], None]
Work = Callable[[Any, Tick], Any]
OnTick = Callable[[Mapping[int, Mapping[str, int]]], None]

# Tasks that wait at a cluster, at least: an autoscaler adds machines for what waits, no others.
QUEUED = 64


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

    def needs(self, path: Path) -> None:  # noqa: B027 - nothing to do where all run here
        """Tasks of later calls of `run` use this file: a machine that lacks it is refused."""


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
        workers: tasks in flight at most; None for one per CPU, also of machines that join later.
            At a cluster more than that are handed in, so that an autoscaler sees that they wait.
        address: a Ray cluster (``"auto"``, ``"host:6379"``, ``"ray://host:10001"``); None starts
            a local Ray that ends with this process. If this machine is no node of the cluster, it
            joins as one that runs no tasks.
        retries: how often a task is tried again after its worker or machine died.
    """

    def __init__(self, workers: int | None = None, address: str | None = None, retries: int = 3):
        if workers is not None and workers < 1:
            raise ConfigError(f"--workers must be at least 1, not {workers}")
        self.workers, self.address, self.retries = workers, address, retries
        self._owned = self._started = False
        self._needed: Path | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> RayExecutor:
        return self

    def needs(self, path: Path) -> None:
        self._needed = path

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
        if self.address is not None:  # seconds for a cluster that answers to take us, not 20
            os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "5")
        import ray

        if not ray.is_initialized():
            try:
                self._connect()
            except BaseException:
                self._stack.close()
                raise
            self._owned = True
        self._check_workers()
        self._started = True

    def _connect(self) -> None:
        import ray

        local: dict[str, Any] = {}
        if self.address is None:
            local = {"num_cpus": self.workers, "include_dashboard": False}
        else:
            check_address(self.address)
            if not has_node_here(self.address):
                self._stack.enter_context(joined(self.address))
        # Ray puts the driver's working directory on its workers' sys.path, where a file
        # called pipeline.py would take our place; an explicit working directory prevents it.
        empty = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gristmill-"))
        try:
            ray.init(
                address=self.address or "local",
                runtime_env={"working_dir": empty},
                log_to_driver=False,
                logging_level=logging.ERROR,
                **local,
            )
        except (ImportError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise refusal(self.address, error) from error

    def __exit__(self, *error: object) -> None:
        if self._owned:
            import ray

            ray.shutdown()
        self._owned = self._started = False
        self._stack.close()

    def _check_workers(self) -> None:
        """See that each machine which is there has the same Gristmill; later ones are seen by task."""
        import ray

        probe = ray.remote(num_cpus=0)(identify)
        answers = [
            (node, probe.options(scheduling_strategy=_on(node["NodeID"])).remote())
            for node in ray.nodes()  # type: ignore[no-untyped-call]
            if node["Alive"] and node["Resources"].get("CPU")
        ]
        for node, answer in answers:
            machine = f"Ray's workers on {node['NodeManagerAddress']}"
            try:
                check_identity(machine, *ray.get(answer))
            except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
                continue  # it has left the cluster
            except ray.exceptions.RayError as error:
                raise cannot_import(machine, error) from error

    def _width(self) -> int:
        """How many tasks may be handed in at a time."""
        import ray

        if self.workers is not None:
            return self.workers
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        processors = int(resources.get("CPU", 0))
        if self.address is None:
            return max(1, processors)
        return processors + max(processors, QUEUED)

    def run(
        self, work: Work, tasks: Sequence[Any], on_tick: OnTick | None = None
    ) -> Iterator[tuple[int, Any]]:
        self._start()
        import ray

        board = _Counts()
        remote = ray.remote(max_retries=self.retries)(run_task)
        waiting = iter(enumerate(tasks))
        running: dict[Any, int] = {}
        setting = Setting(os.getcwd(), needed=self._needed)

        def fill() -> None:
            width = self._width()
            while len(running) < width:
                following = next(waiting, None)
                if following is None:
                    return
                position, task = following
                reference = remote.remote(setting, work, task, position, board.actor)
                running[reference] = position

        try:
            fill()
            while running:
                done, _ = ray.wait(list(running), num_returns=1, timeout=TICK_SECONDS)
                if on_tick is not None:
                    on_tick(board.latest())
                for reference in done:
                    position = running.pop(reference)
                    try:
                        result = ray.get(reference)
                    except ray.exceptions.RayTaskError as error:
                        cause = error.cause
                        if isinstance(cause, GristmillError):
                            raise cause from error
                        if isinstance(cause, ray.exceptions.RaySystemError) and (
                            "'pipeline" in str(error)  # a name that could not be imported
                        ):
                            raise cannot_import("A Ray worker", error) from error
                        raise RunError(f"task {tasks[position]!r} failed: {error}") from error
                    except ray.exceptions.RayError as error:
                        raise RunError(
                            f"task {tasks[position]!r} lost its worker {self.retries + 1} times: "
                            f"{error}"
                        ) from error
                    yield position, result
                fill()  # also when none has ended: machines may have joined
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            board.close()


def _on(node: str, soft: bool = False) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=soft)


class _Counts:
    """The latest counts of running tasks. To lose them costs a person a look, no run its end."""

    def __init__(self) -> None:
        import ray

        # Beside the driver where that can be: it does not die before the run does.
        node = ray.get_runtime_context().get_node_id()
        self.actor: Any = (
            ray.remote(num_cpus=0, max_restarts=-1)(Board)
            .options(scheduling_strategy=_on(node, soft=True))
            .remote()
        )
        self._seen: Mapping[int, Mapping[str, int]] = {}

    def latest(self) -> Mapping[int, Mapping[str, int]]:
        import ray

        with contextlib.suppress(ray.exceptions.RayError):
            self._seen = ray.get(self.actor.latest.remote(), timeout=TICK_SECONDS)
        return self._seen

    def close(self) -> None:
        import ray

        ray.kill(self.actor)
