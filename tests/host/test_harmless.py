# SPDX-License-Identifier: GPL-2.0-or-later

"""A question about guest memory changes nothing where that memory is, on any file system."""

import contextlib
import ctypes
import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from pymig import Checker, Host, HostUnknownError, Memory, probe
from tests import machine
from tests.conftest import run_in_child

pytestmark = pytest.mark.root

if os.geteuid() != 0 or not machine.DEVICE.exists():
    pytest.skip("needs root, to mount file systems, and /dev/userfaultfd (Linux 6.1)", allow_module_level=True)

MIB = 1 << 20
CONTENTS = b"guest" * MIB
MS_RDONLY, MS_REMOUNT = 1, 32
POOL = machine.HUGE_PAGES / "hugepages-2048kB"


# ---- Places ----


@pytest.fixture(scope="module")
def folder(own_mounts):
    if not own_mounts:
        pytest.skip("needs private mounts")
    with tempfile.TemporaryDirectory(prefix="pymig-harmless-") as path:
        yield Path(path)


def guest_in(folder):
    (folder / "guest").write_bytes(CONTENTS)
    return folder / "guest"


@contextlib.contextmanager
def mounted(target, *arguments, **options):
    target.mkdir(exist_ok=True)
    machine.mount(arguments[0] if len(arguments) > 1 else "none", target, arguments[-1], **options)
    try:
        yield target
    finally:
        machine.unmount(target)


@contextlib.contextmanager
def disk(folder, _):
    (folder / "disk").mkdir(exist_ok=True)
    yield guest_in(folder / "disk"), []


@contextlib.contextmanager
def tmpfs(folder, _):
    with mounted(folder / "tmpfs", "tmpfs") as mount:
        yield guest_in(mount), [mount]


@contextlib.contextmanager
def read_only(folder, _):
    with mounted(folder / "read-only", "tmpfs") as mount:
        guest = guest_in(mount)
        machine.mount("none", mount, flags=MS_REMOUNT | MS_RDONLY)
        yield guest, [mount]


@contextlib.contextmanager
def overlay(folder, _):
    """A file in the lower layer, as every file of a container's image is."""
    with mounted(folder / "layers", "tmpfs") as layers:
        for name in ("lower", "upper", "work"):
            (layers / name).mkdir()
        guest_in(layers / "lower")
        options = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
        with mounted(folder / "overlay", "overlay", options=options) as mount:
            yield mount / "guest", [layers, mount]


@contextlib.contextmanager
def hugetlbfs(folder, say):
    if not POOL.exists():
        pytest.skip("needs huge pages of 2 MiB")
    with machine.held(POOL / "nr_hugepages", POOL, say) as pages:
        if not pages.set(max(int(pages.value), 8)):
            pytest.skip("needs 8 free huge pages of 2 MiB")
        with mounted(folder / "huge", "hugetlbfs", options="pagesize=2M") as mount:
            with (mount / "guest").open("wb") as guest:
                guest.truncate(2 * MIB)
            yield mount / "guest", [mount]


@contextlib.contextmanager
def fuse(folder, _):
    """FUSE without O_TMPFILE."""
    if shutil.which("bindfs") is None:
        pytest.skip("needs bindfs")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("needs /dev/fuse")
    source, mount = folder / "source", folder / "fuse"
    for path in (source, mount):
        path.mkdir(exist_ok=True)
    guest_in(source)
    os.utime(source, (time.time(), 1))  # so that reading the folder does not change its access time
    with subprocess.Popen(["bindfs", "-f", source, mount], stderr=subprocess.DEVNULL) as server:
        try:
            while not (mount / "guest").exists():
                assert server.poll() is None, "bindfs can't mount"
            yield mount / "guest", []
        finally:
            if mount.is_mount():
                machine.unmount(mount)
            server.kill()


# ---- What can be seen of a place ----


@contextlib.contextmanager
def unseen(path):
    """A descriptor for reading that leaves the access time alone."""
    fd = os.open(path, os.O_RDONLY | os.O_NOATIME)
    try:
        yield fd
    finally:
        os.close(fd)


def contents(path):
    with unseen(path) as fd:
        return hashlib.sha256(os.pread(fd, 2 * len(CONTENTS), 0)).hexdigest()


def below(folder):
    with unseen(folder) as fd:
        for name in sorted(os.listdir(fd)):
            yield folder / name
            if (folder / name).is_dir():
                yield from below(folder / name)


def seen(guest, mounts):
    """Everything about the file, its folder and mounts that nobody else uses; huge pages where they are locked."""
    is_huge = "huge" in str(guest)
    paths = [guest, guest.parent, *(path for mount in mounts for path in below(mount))]
    memory = Path("/proc/meminfo").read_text().splitlines()
    return {
        "contents": None if is_huge else contents(guest),
        "status": {str(path): tuple(getattr(os.lstat(path), name) for name in STATUS) for path in paths},
        "file systems": [os.statvfs(mount) for mount in mounts],
        "huge pages": [line for line in memory if is_huge and line.startswith("HugePages_")],
        "names": list(below(guest.parent)),
    }


STATUS = [name for name in dir(os.stat_result) if name.startswith("st_")]

LIBC = ctypes.CDLL(None, use_errno=True)
OPEN, CLOSE_NOWRITE, IN_ALL_EVENTS = 0x20, 0x10, 0xFFF
IN_NONBLOCK = 0o4000


@contextlib.contextmanager
def watched(*paths):
    """A function that returns the events since then: (path, name, mask) each."""
    fd = LIBC.inotify_init1(IN_NONBLOCK)
    watches = {LIBC.inotify_add_watch(fd, str(path).encode(), IN_ALL_EVENTS): path for path in paths}
    assert len(watches) == len(paths)

    def events():
        with contextlib.suppress(BlockingIOError):
            data = os.read(fd, 1 << 20)
            while data:
                watch, mask, _, length = struct.unpack("iIII", data[:16])
                name, data = data[16 : 16 + length].rstrip(b"\0").decode(), data[16 + length :]
                yield watches[watch], name, mask

    try:
        yield events
    finally:
        os.close(fd)


# ---- Questions ----


def blocks(path):
    sizes = (None, MIB, 2 * MIB + 4096)
    shared = [Memory("file", path=str(path), share=share, size=size) for share in (False, True) for size in sizes]
    return [*shared, Memory("file", path=str(path), readonly=True)]


QUESTIONS = {
    "probe": lambda memory: probe(memory).to_json(),
    "background-snapshot": lambda memory: Checker(host=Host.local(memory)).check(["background-snapshot"]),
    "postcopy": lambda memory: Checker(host=Host.local(memory), incoming=True).check(["postcopy-ram"]),
    "every fact": lambda memory: Host.local(memory).to_json(),
}


def ask(question, path):
    """In a process of its own: what it leaves behind when it ends counts, too."""
    for memory in blocks(path):
        with contextlib.suppress(HostUnknownError):
            QUESTIONS[question]([memory])


PLACES = {
    "disk": disk,
    "tmpfs": tmpfs,
    "read-only file system": read_only,
    "lower file of an overlayfs": overlay,
    "hugetlbfs": hugetlbfs,
    "FUSE": fuse,
}


def assert_unnoticed(place, guest, events):
    """On tmpfs and hugetlbfs a watcher sees nothing; elsewhere a nameless file or, at worst, an opening for reading."""
    for path, name, mask in events:
        assert place in ("disk", "lower file of an overlayfs", "FUSE"), (path, name, hex(mask))
        nameless = path == guest.parent and name.startswith("#")
        assert nameless or (place == "FUSE" and mask & ~(OPEN | CLOSE_NOWRITE) == 0), (path, name, hex(mask))


@pytest.mark.parametrize("kind", ["file", "folder", "link to the file"])
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_changes(folder, say, place, question, kind):
    with PLACES[place](folder, say) as (guest, mounts), tempfile.TemporaryDirectory() as elsewhere:
        link = Path(elsewhere) / "link"
        link.symlink_to(guest)
        path = {"file": guest, "folder": guest.parent, "link to the file": link}[kind]
        before = seen(guest, mounts)
        with watched(guest, guest.parent, elsewhere) as events:
            run_in_child(ask, question, path)
            assert_unnoticed(place, guest, events())
        assert seen(guest, mounts) == before


def answer(path, share):
    report = probe([Memory("file", path=str(path), share=share)])
    block = report.memory[0]
    return block.made, block.file_system, block.page_size, block.write_tracking, report.write_tracking, block.step


@pytest.mark.parametrize(
    "place, expected",
    [
        ("tmpfs", (True, "tmpfs", 4096, True, "compatible", 0)),
        ("hugetlbfs", (True, "hugetlbfs", 2 * MIB, True, "compatible", 0)),
        ("disk", (True, "other", 4096, False, "available", 9)),
        ("FUSE", (True, "other", 4096, False, "available", 9)),
    ],
)
@pytest.mark.parametrize("share", [False, True])
def test_a_link_is_answered_as_the_file(folder, say, place, expected, share):
    with PLACES[place](folder, say) as (guest, _):
        os.truncate(guest, 0)  # no page of the file can be mapped
        link = folder / "link"
        link.unlink(missing_ok=True)
        link.symlink_to(guest)
        assert answer(guest, share) == answer(link, share) == expected
        assert guest.stat().st_size == 0


def huge_pages(state):
    return int((POOL / f"{state}_hugepages").read_text())


def test_a_guest_that_has_all_huge_pages(folder, say):
    """Its file can be asked about. In the folder, another guest would find no page, so nothing is found out."""
    with hugetlbfs(folder, say) as (guest, [mount]):
        os.truncate(guest, huge_pages("free") * 2 * MIB)
        with guest.open("r+b") as file, mmap.mmap(file.fileno(), 0):
            assert huge_pages("free") == huge_pages("resv")
            for share in (False, True):
                assert answer(guest, share) == (True, "hugetlbfs", 2 * MIB, True, "compatible", 0)
                report = probe([Memory("file", path=str(mount), share=share)])
                assert report.write_tracking == "unknown"
                assert report.diagnosis[0].cause == "hugepages-unavailable"


def test_a_folder_without_nameless_files_is_unknown(folder, say):
    with fuse(folder, say) as (guest, _):
        report = probe([Memory("file", path=str(guest.parent), share=True)])
        assert report.write_tracking == "unknown"
        assert report.diagnosis[0].cause == "unknown"
        assert report.postcopy.step == 9


def test_a_file_that_is_a_mount_point_is_answered_by_itself(folder, say):
    with tmpfs(folder, say) as (guest, _), disk(folder, say) as (target, _):
        machine.mount(str(guest), target, flags=machine.MS_BIND)
        try:
            assert answer(target, share=True) == (True, "tmpfs", 4096, True, "compatible", 0)
            assert sorted(os.listdir(target.parent)) == ["guest"]
        finally:
            machine.unmount(target)


def test_a_read_only_file_system_refuses_as_qemu_is_refused(folder, say):
    with read_only(folder, say) as (guest, _):
        block = probe([Memory("file", path=str(guest), share=True)]).memory[0]
        assert (block.made, os.strerror(block.errno)) == (False, "Read-only file system")
