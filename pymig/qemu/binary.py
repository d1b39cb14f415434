"""Starts a QEMU binary and queries it over QMP. Needs the package qemu.qmp."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, BinaryIO

from pymig.errors import QemuBinaryError
from pymig.values import Value, wrong_type

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

    from typing_extensions import Self

ARGUMENTS = ("-machine", "none", "-nodefaults", "-display", "none", "-S")

QUESTIONS = ("query-version", "query-qmp-schema", "query-migrate-capabilities", "query-target")

# Commands that exist if and only if QEMU was built with replication.
REPLICATION_COMMANDS = ("xen-set-replication", "query-xen-replication-status")

CANCELLED_INTERVAL = 0.1  # seconds between two looks whether the caller is cancelled
MOST_LOG = 4096  # bytes read of what a failing binary wrote to standard error


class BinaryAnswers(Value):
    """A binary's answers."""

    __slots__ = (
        "capabilities",
        "compressions",
        "live_block_migration",
        "package",
        "parameters",
        "replication",
        "target",
        "version",
    )

    version: tuple[int, int, int]
    package: str
    target: str
    capabilities: list[str]
    parameters: list[str]
    compressions: list[str]
    live_block_migration: bool
    replication: bool

    def __new__(cls, version: Any, schema: Any, capabilities: Any, target: Any) -> Self:
        """From the answers to QUESTIONS. Raises KeyError, TypeError or ValueError if no QEMU would answer so."""
        entities = {entity["name"]: entity for entity in schema}
        members = _capability_names(entities)
        listed = {entry["capability"] for entry in capabilities}
        self = object.__new__(cls)
        self._set(
            version=tuple(int(version["qemu"][part]) for part in ("major", "minor", "micro")),
            package=str(version["package"]),
            target=str(target["arch"]),
            capabilities=members,
            parameters=[str(member["name"]) for member in _arguments(entities, "migrate-set-parameters")],
            compressions=_values(entities, "migrate-set-parameters", "multifd-compression"),
            live_block_migration="block" not in members or "block" in listed,
            replication=any(command in entities for command in REPLICATION_COMMANDS),
        )
        return self


def ask(path: str | os.PathLike[str], timeout: float) -> BinaryAnswers:
    """Starts the binary and queries it; see QemuBuild.from_binary."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        wrong_type(timeout, "timeout", "a number of seconds")
    if not timeout > 0:
        raise ValueError(f"timeout must be more than 0 seconds, not {timeout:g}")
    try:
        from qemu.qmp import QMPClient  # noqa: F401, PLC0415
    except ImportError:
        raise QemuBinaryError("querying a binary needs the package qemu.qmp: pip install 'pymig-qemu[qemu]'") from None
    name = os.fspath(path)
    try:
        answers = _run(_ask(name, timeout))
    except TimeoutError:
        raise QemuBinaryError(f"{name} did not answer over QMP within {timeout:g} seconds") from None
    try:
        return BinaryAnswers(*answers)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise QemuBinaryError(f"{name} does not answer like QEMU: {error!r}") from None


def _run(coroutine: Coroutine[Any, Any, tuple[Any, ...]]) -> tuple[Any, ...]:
    """Runs the coroutine in a new event loop, in a new thread if this thread already runs a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    return _run_in_a_thread(coroutine)


def _run_in_a_thread(coroutine: Coroutine[Any, Any, tuple[Any, ...]]) -> tuple[Any, ...]:
    """Runs the coroutine in a new thread, and cancels it if this thread or its task is interrupted."""
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415 - only here

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def started_coroutine() -> tuple[Any, ...]:
        started.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await coroutine

    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(asyncio.run, started_coroutine())
        try:
            return _result(answers, asyncio.current_task())
        except BaseException:
            loop, task = started.result()
            if task is not None:
                with contextlib.suppress(RuntimeError):  # the loop is closed once the coroutine has ended
                    loop.call_soon_threadsafe(task.cancel)
            raise


def _result(answers: Future[tuple[Any, ...]], caller: asyncio.Task[Any] | None) -> tuple[Any, ...]:
    """The result; or CancelledError if the caller's task is cancelled.

    From Python 3.11 on, Ctrl-C only cancels the main task, and raises nothing in a thread that blocks its event loop.
    """
    from concurrent.futures import wait  # noqa: PLC0415 - only here

    while not wait([answers], CANCELLED_INTERVAL).done:
        if caller is not None and getattr(caller, "cancelling", int)():
            raise asyncio.CancelledError
    return answers.result()


async def _ask(name: str, timeout: float) -> tuple[Any, ...]:
    with contextlib.ExitStack() as opened:
        ours, theirs = (opened.enter_context(end) for end in socket.socketpair())
        log, stderr = (opened.enter_context(open(end, "rb", 0)) for end in os.pipe())  # noqa: PTH123
        process = await _start(name, theirs, stderr)
        theirs.close()
        stderr.close()
        try:
            return await asyncio.wait_for(_talk(ours), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError from None
        except QemuBinaryError as error:
            words = _last_words(log)
            raise QemuBinaryError(f"{name} does not answer over QMP: {error}{words}") from None
        finally:
            await _end(process)


async def _start(name: str, theirs: socket.socket, stderr: BinaryIO) -> asyncio.subprocess.Process:
    monitor = ("-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control")
    try:
        return await asyncio.create_subprocess_exec(
            name,
            *ARGUMENTS,
            *monitor,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise QemuBinaryError(f"{name} can't be started: {error}") from None


async def _talk(connection: socket.socket) -> tuple[Any, ...]:
    from qemu.qmp import QMPClient, QMPError  # noqa: PLC0415 - an extra

    client = QMPClient("pymig")
    try:
        await client.connect(connection)
        return tuple([await client.execute(question) for question in QUESTIONS])
    except (QMPError, OSError, EOFError) as error:
        raise QemuBinaryError(str(error) or type(error).__name__) from None
    finally:
        with contextlib.suppress(Exception):
            await client.disconnect()


def _last_words(log: BinaryIO) -> str:
    """The first line that the binary wrote to standard error, if any. It may still be writing."""
    os.set_blocking(log.fileno(), False)
    text = log.read(MOST_LOG) or b""
    line = text.decode(errors="replace").strip().partition("\n")[0]
    return f" ({line[:200]})" if line else ""


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    await process.wait()


# ---- Reading the schema ----


def _arguments(entities: dict[str, Any], command: str) -> Any:
    return entities[entities[command]["arg-type"]]["members"]


def _values(entities: dict[str, Any], command: str, member: str) -> list[str]:
    arguments = _arguments(entities, command)
    kind = next(argument["type"] for argument in arguments if argument["name"] == member)
    return list(entities[kind]["values"])


def _capability_names(entities: dict[str, Any]) -> list[str]:
    """The enum of capabilities, from the schema of migrate-set-capabilities."""
    array = next(a["type"] for a in _arguments(entities, "migrate-set-capabilities") if a["name"] == "capabilities")
    entry = entities[entities[array]["element-type"]]
    kind = next(member["type"] for member in entry["members"] if member["name"] == "capability")
    return list(entities[kind]["values"])
