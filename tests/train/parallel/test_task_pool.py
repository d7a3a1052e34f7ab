"""Tasks on a Dask cluster: results in order, errors as here, and what clusters do that are not as they should be."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import pytest

from pullback.train import ClusterError, InputError, MissingExtra
from pullback.train.parallel.task_pool import task_pool
from pullback.train.parallel.workers import stop_if_unwanted

distributed = pytest.importorskip("distributed", reason="the extra `dask`")


# no dashboard, and any port for what tells of the scheduler
QUIET = {"dashboard_address": None, "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"}}


@pytest.fixture(scope="module")
def client():
    """A scheduler and a worker with two threads, in this process."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, **QUIET
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def ignore(count):
    pass


def late_square(i):
    """Later tasks end earlier."""
    time.sleep(0.02 * (5 - i))
    return i * i


def test_results_come_in_the_order_of_the_tasks(client):
    counts, tasks = [], [(i,) for i in range(5)]
    with task_pool(client) as pool:
        assert list(pool.run(late_square, tasks, counts.append)) == [0, 1, 4, 9, 16]
        assert list(pool.run(late_square, [], counts.append)) == []
    assert counts == [1, 2, 3, 4, 5]
    with task_pool() as pool:
        assert list(pool.run(late_square, tasks, ignore)) == [0, 1, 4, 9, 16]
    # a client that is given stays open
    assert client.status == "running"


def refuse(i):
    if i in (1, 3):
        time.sleep(0.2 if i == 1 else 0.0)
        raise InputError(f"{i}: cannot be used")
    return i


@pytest.mark.parametrize("where", ["here", "workers"])
def test_the_first_error_in_order_is_raised_wherever_the_tasks_run(where, client):
    found = []
    with task_pool(None if where == "here" else client) as pool:
        with pytest.raises(InputError, match="1: cannot be used"):
            found.extend(iter(pool.run(refuse, [(i,) for i in range(5)], ignore)))
        assert found == [0]


def time_out(i):
    raise TimeoutError("the task's own")


def test_an_error_of_the_task_is_not_taken_for_a_wait_that_ended(client):
    with task_pool(client) as pool, pytest.raises(TimeoutError, match="the task's own"):
        list(pool.run(time_out, [(0,)], ignore))


given_up = threading.Event()


def endless(i):
    while i and not given_up.is_set():
        time.sleep(0.01)
        stop_if_unwanted()


def test_what_nobody_waits_for_any_more_ends(client):
    with task_pool(client) as pool:
        results = pool.run(endless, [(i,) for i in range(9)], ignore)
        assert next(results) is None
        results.close()
    end = time.monotonic() + 60
    while any(client.processing().values()) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(client.processing().values())
    # a worker's thread is free again
    assert client.submit(late_square, 4, pure=False).result(timeout=20) == 16
    stop_if_unwanted()


@pytest.fixture
def short(monkeypatch):
    """Nobody is waited for longer than a second."""
    monkeypatch.setenv("PULLBACK_DASK_TIMEOUT", "1")


def opened(where):
    with task_pool(where):
        pass


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("nonsense", "neither 'local', nor an address"),
        ("", "neither 'local', nor an address"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers there within 1 s"),
        ("foo://127.0.0.1:1", "unknown address scheme"),
        ("scheduler.json", "no scheduler file"),
        ("SILENT", "no Dask scheduler answers there within 1 s"),
    ],
)
def test_a_wrong_address_is_told_in_time(where, message, short, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scheduler.json").write_text("{}")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        if where == "SILENT":
            where = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterError, match=message) as caught:
            opened(where)
    assert "\n" not in str(caught.value)


def test_the_address_of_a_worker_is_none_of_a_scheduler(client):
    (worker,) = client.scheduler_info()["workers"]
    with pytest.raises(ClusterError, match="but a Worker does"):
        opened(worker)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan"])
def test_a_time_to_wait_is_a_number(text, monkeypatch):
    monkeypatch.setenv("PULLBACK_DASK_TIMEOUT", text)
    with pytest.raises(InputError, match="PULLBACK_DASK_TIMEOUT"):
        opened("local")


def test_something_else_than_a_client_is_refused():
    with pytest.raises(InputError, match="give 'local'"):
        opened(3)


def test_without_distributed_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pip install 'pullback\[dask\]'"):
        opened("local")


@pytest.fixture
def empty():
    """A scheduler in this process without workers."""
    with distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", **QUIET
    ) as cluster:
        yield cluster


def test_a_scheduler_without_workers_is_told_in_time(empty, short):
    with pytest.raises(ClusterError, match="no worker joined it within 1 s"):
        opened(empty.scheduler_address)


def test_workers_that_leave_for_good_are_told_in_time(empty, monkeypatch):
    """Those of other clusters are not started again."""
    empty.scale(1)
    with task_pool(empty.scheduler_address) as pool:
        results = pool.run(endless, [(0,), (1,)], ignore)
        assert next(results) is None
        empty.scale(0)
        monkeypatch.setenv("PULLBACK_DASK_TIMEOUT", "1")
        with pytest.raises(ClusterError, match="no worker is left that runs tasks, for 1 s"):
            next(results)
    # a worker waits for its threads
    given_up.set()


WORKER = "from distributed.cli.dask_worker import main; main()"


def test_a_worker_with_another_pullback_or_none_is_told_at_once(empty, tmp_path):
    """Both have a package of that name that is not this one."""
    sources = {"old": "__version__ = '0.0.1'", "none": "raise ModuleNotFoundError('none')"}
    started = []
    try:
        for name, source in sources.items():
            (tmp_path / name / "pullback").mkdir(parents=True)
            (tmp_path / name / "pullback" / "__init__.py").write_text(source)
            options = ("--no-nanny", "--no-dashboard", "--nthreads", "1", "--name", name)
            code = f"import sys; sys.path.insert(0, {str(tmp_path / name)!r}); {WORKER}"
            command = [sys.executable, "-P", "-c", code, empty.scheduler_address, *options]
            started.append(
                subprocess.Popen(
                    command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
        with distributed.Client(empty, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        with pytest.raises(ClusterError) as caught:
            opened(empty.scheduler_address)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert "as here; found " in str(caught.value)
    assert "0.0.1 on tcp://" in str(caught.value)
    assert "none on tcp://" in str(caught.value)
