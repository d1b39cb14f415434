"""Which QEMU is this? Starts a binary and asks it over QMP; needs the package qemu.qmp."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, BinaryIO

from pymig._core import lib
from pymig.errors import QemuBinaryError
from pymig.qemu.build import COMPRESSIONS, TARGETS, QemuBuild, difference_texts
from pymig.qemu.capability import BITS
from pymig.qemu.release import DOWNSTREAMS, FIRST_DEVELOPMENT_MICRO, RELEASES, is_newer, text
from pymig.state import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable

ARGUMENTS = ("-machine", "none", "-nodefaults", "-display", "none", "-S")

QUESTIONS = ("query-version", "query-qmp-schema", "query-migrate-capabilities", "query-target")

# Commands that are there exactly when QEMU was built with replication.
REPLICATION_COMMANDS = ("xen-set-replication", "query-xen-replication-status")

# What is x86's, and needs no target.
X86 = ("i386", "x86_64")

# What an unknown parameter tells of a build.
TELLING = {"compress-method": "openEuler's: compress-level is checked by compress-method, which pymig does not do"}

MOST_LOG = 4096  # bytes of a dying binary's last words


def build_of(path: str | os.PathLike[str], timeout: float) -> QemuBuild:
    """See QemuBuild.from_binary."""
    try:
        from qemu.qmp import QMPClient  # noqa: F401, PLC0415
    except ImportError:
        raise QemuBinaryError("asking a binary needs the package qemu.qmp: pip install 'pymig[qemu]'") from None
    name = os.fspath(path)
    answers = _run(_ask(name, timeout), name, timeout)
    return _match(name, *answers)


def _run(coroutine: Any, name: str, timeout: float) -> tuple[Any, ...]:
    """Runs it in a loop of its own, in a thread of its own if this one has a loop already."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only here

    with ThreadPoolExecutor(1) as pool:
        try:
            answers: tuple[Any, ...] = pool.submit(asyncio.run, coroutine).result()
        except TimeoutError:
            raise QemuBinaryError(f"{name} did not answer over QMP within {timeout:g} seconds") from None
    return answers


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
            raise QemuBinaryError(f"{name} is no QEMU that answers over QMP: {error}{words}") from None
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
    """The first line that it wrote to standard error; it may write on and on, or not at all."""
    os.set_blocking(log.fileno(), False)
    text = log.read(MOST_LOG) or b""
    line = text.decode(errors="replace").strip().partition("\n")[0]
    return f" ({line[:200]})" if line else ""


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    await process.wait()


# ---- What the answers mean ----


def _match(name: str, version: Any, schema: Any, capabilities: Any, target: Any) -> QemuBuild:
    try:
        entities = {entity["name"]: entity for entity in schema}
        members = _capability_names(entities)
        parameters = [member["name"] for member in _arguments(entities, "migrate-set-parameters")]
        compressions = _values(entities, "migrate-set-parameters", "multifd-compression")
        listed = {entry["capability"] for entry in capabilities}
        numbers = tuple(int(version["qemu"][part]) for part in ("major", "minor", "micro"))
        package, arch = str(version.get("package", "")), target.get("arch")
    except (AttributeError, KeyError, TypeError, StopIteration) as error:
        raise QemuBinaryError(f"{name} answered what no QEMU answers: {error!r}") from None
    release, notes = _release_of(numbers)
    build = QemuBuild(
        release,
        live_block_migration="block" not in members or "block" in listed,
        replication=any(command in entities for command in REPLICATION_COMMANDS),
        zstd="zstd" in compressions,
        compressions=[value for value in compressions if value in COMPRESSIONS],
        target=arch if arch in TARGETS and arch not in X86 else None,
    )
    notes += [
        f"has the multifd-compression {value}, which pymig does not know"
        for value in compressions
        if value not in COMPRESSIONS
    ]
    if arch is not None and arch not in TARGETS:
        notes.append(f"emulates {arch}, whose page size pymig does not know: x86's is taken")
    return _follow_schema(build, members, parameters, package, notes)


def _release_of(numbers: tuple[int, ...]) -> tuple[str, list[str]]:
    """The release that answers for this version, and what is to be said of that.

    A development tree is taken for the release that it became, as far as that is known.
    """
    major, minor, micro = numbers
    exact, series = f"{major}.{minor}.{micro}", f"{major}.{minor}"
    if is_newer(numbers):
        return RELEASES[-1], [
            f"is {exact}, newer than the releases that are known: its rules are taken for those of {RELEASES[-1]}"
        ]
    if exact in RELEASES or micro < FIRST_DEVELOPMENT_MICRO or series not in RELEASES:
        return exact, []
    later = RELEASES[RELEASES.index(series) + 1 :]
    became = next(release for release in later if release.count(".") == 1)
    return became, [f"is {exact}, a development tree: its rules are taken for those of {became}"]


def _arguments(entities: dict[str, Any], command: str) -> Any:
    return entities[entities[command]["arg-type"]]["members"]


def _values(entities: dict[str, Any], command: str, member: str) -> list[str]:
    arguments = _arguments(entities, command)
    kind = next(argument["type"] for argument in arguments if argument["name"] == member)
    return list(entities[kind]["values"])


def _capability_names(entities: dict[str, Any]) -> list[str]:
    """The enum behind migrate-set-capabilities: an array of objects, one member of which is the capability."""
    array = next(a["type"] for a in _arguments(entities, "migrate-set-capabilities") if a["name"] == "capabilities")
    entry = entities[entities[array]["element-type"]]
    kind = next(member["type"] for member in entry["members"] if member["name"] == "capability")
    return list(entities[kind]["values"])


def _follow_schema(
    build: QemuBuild, members: Iterable[str], parameters: Iterable[str], package: str, notes: list[str]
) -> QemuBuild:
    """The build with what its schema has beyond its release or lacks, and with the probe that its package has."""
    known = {name: 1 << i for name, i in PARAMETERS.items()}
    promised = {name for name, i in PARAMETERS.items() if lib.migration_parameter_known(build._c, i)}
    masks: list[int] = []
    unknown: list[set[str]] = []
    for has, should, bits in ((set(members), set(build.capabilities), BITS), (set(parameters), promised, known)):
        masks += [sum(bits.get(name, 0) for name in names) for names in (has - should, should - has)]
        unknown.append({name for name in has - should if name not in bits})
    probe, said = _probe_of(build, package)
    differences = (probe, *masks)
    told = difference_texts(build.release, differences, (unknown[0], unknown[1]))
    told = (*notes, *said, *told, *(TELLING[name] for name in unknown[1] if name in TELLING))
    if not told:
        return build
    return build._with_differences(differences, told)


def _probe_of(build: QemuBuild, package: str) -> tuple[int, list[str]]:
    """Whose host probe it has, by its package: the schema does not tell."""
    from fnmatch import fnmatch  # noqa: PLC0415 - only here

    number: int = build._c.release
    for row in DOWNSTREAMS.values():
        if fnmatch(package, text(row.package)) and row.build.release == number:
            return row.build.probe_release, []
    if ".el" in package:
        return number, [f"is a rebuild of RHEL ({package}): rules of later releases may have been taken over"]
    return number, []
