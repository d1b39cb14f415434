# SPDX-License-Identifier: GPL-2.0-or-later

"""For every kind of memory, as root and without rights, the answers are those of a live QEMU with that very backend."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest

from pymig import Checker, Host, Memory
from tests import machine
from tests.conftest import NOBODY, run_in_child
from tests.live.conftest import DidNotStartError, live_qemu

pytestmark = [pytest.mark.live, pytest.mark.root]

if os.geteuid() != 0:
    pytest.skip("needs root, to mount hugetlbfs and to drop privileges", allow_module_level=True)

MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def places(own_mounts, say):
    """A disk folder and file, tmpfs, and hugetlbfs of 2 MiB and 1 GiB pages where the machine has them.

    Not below pytest's own folder, which is root's alone.
    """
    with tempfile.TemporaryDirectory(prefix="pymig-places-") as folder:
        yield from make_places(Path(folder), own_mounts, say)


def make_places(root, own_mounts, say):
    root.chmod(0o755)
    disk = root / "disk"
    disk.mkdir()
    disk.chmod(0o777)
    (disk / "file").write_bytes(b"\1" * 16 * MIB)
    (disk / "file").chmod(0o666)
    with contextlib.ExitStack() as stack:
        huge = {size: stack.enter_context(hugetlbfs(root, size, own_mounts, say)) for size in (2 * MIB, GIB)}
        files = {**files_on(huge[2 * MIB], root), **overlays(root, own_mounts, stack)}
        yield {"disk": disk, "file": disk / "file", "shm": Path("/dev/shm"), **huge, **files}


def overlays(root, own_mounts, stack):
    """Files in the lower layer of an overlayfs, whose upper layer is on tmpfs. QEMU copies each up when it opens it."""
    if not own_mounts:
        return {"overlay": None, "overlay shared": None}
    layers, mount = root / "layers", root / "overlay"
    for folder, kind in ((layers, "tmpfs"), (mount, "overlay")):
        folder.mkdir()
        options = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work" if folder == mount else None
        machine.mount("none", folder, kind, options=options)
        stack.callback(machine.unmount, folder)
        for name in ("lower", "upper", "work") if folder == layers else ():
            (layers / name).mkdir()
            (layers / name).chmod(0o777)
        for name in ("overlay", "overlay shared") if folder == layers else ():
            (layers / "lower" / name).write_bytes(b"\1" * 16 * MIB)
            (layers / "lower" / name).chmod(0o666)
    return {name: mount / name for name in ("overlay", "overlay shared")}


def files_on(huge, root):
    """A hugetlbfs file of two pages, and a link to an empty one. QEMU makes an empty file as long as its memory."""
    if huge is None:
        return {"huge file": None, "huge link": None}
    for name, size in (("file", 4 * MIB), ("short", 0)):
        (huge / name).touch()
        os.truncate(huge / name, size)
        (huge / name).chmod(0o666)
    (root / "link").symlink_to(huge / "short")
    return {"huge file": huge / "file", "huge link": root / "link"}


@contextlib.contextmanager
def hugetlbfs(root, size, own_mounts, say):
    pool = machine.HUGE_PAGES / f"hugepages-{size // 1024}kB"
    if not own_mounts or not pool.exists():
        yield None
        return
    with machine.held(pool / "nr_hugepages", pool, say) as pages:
        given = pages.set(max(int(pages.value), 8 if size == 2 * MIB else 1))
        folder = root / f"huge{size}"
        folder.mkdir()
        machine.mount("none", folder, "hugetlbfs", options=f"pagesize={size},mode=0777")
        yield folder if given else None
        machine.unmount(folder)


# The backend as QEMU's option, and as a Memory; PLACE stands for a place above.
BACKENDS = {
    "anonymous": ("memory-backend-ram,size=16M", None, {}),
    "anonymous shared": ("memory-backend-ram,size=16M,share=on", None, {"share": True}),
    "memfd": ("memory-backend-memfd,size=16M,share=off", None, {"kind": "memfd"}),
    "memfd shared": ("memory-backend-memfd,size=16M,share=on", None, {"kind": "memfd", "share": True}),
    "memfd 2M": (
        "memory-backend-memfd,size=4M,share=off,hugetlb=on,hugetlbsize=2M",
        2 * MIB,
        {"kind": "memfd", "page_size": 2 * MIB},
    ),
    "memfd 2M shared": (
        "memory-backend-memfd,size=4M,share=on,hugetlb=on,hugetlbsize=2M",
        2 * MIB,
        {"kind": "memfd", "page_size": 2 * MIB, "share": True},
    ),
    "memfd 1G shared": (
        "memory-backend-memfd,size=1G,share=on,hugetlb=on,hugetlbsize=1G",
        GIB,
        {"kind": "memfd", "page_size": GIB, "share": True},
    ),
    "tmpfs": ("memory-backend-file,size=16M,share=off", "shm", {"kind": "file"}),
    "tmpfs shared": ("memory-backend-file,size=16M,share=on", "shm", {"kind": "file", "share": True}),
    "hugetlbfs 2M": ("memory-backend-file,size=4M,share=off", 2 * MIB, {"kind": "file"}),
    "hugetlbfs 2M shared": ("memory-backend-file,size=4M,share=on", 2 * MIB, {"kind": "file", "share": True}),
    "hugetlbfs, odd size": (
        "memory-backend-file,size=3M,share=on",
        2 * MIB,
        {"kind": "file", "share": True, "size": 3 * MIB},
    ),
    "hugetlbfs file": ("memory-backend-file,size=4M,share=off", "huge file", {"kind": "file"}),
    "hugetlbfs file, odd size": (
        "memory-backend-file,size=3M,share=on",
        "huge file",
        {"kind": "file", "share": True, "size": 3 * MIB},
    ),
    "symlink to a short hugetlbfs file": (
        "memory-backend-file,size=4M,share=on",
        "huge link",
        {"kind": "file", "share": True},
    ),
    "hugetlbfs 1G shared": ("memory-backend-file,size=1G,share=on", GIB, {"kind": "file", "share": True}),
    "disk folder shared": ("memory-backend-file,size=16M,share=on", "disk", {"kind": "file", "share": True}),
    "overlayfs file": ("memory-backend-file,size=16M,share=off", "overlay", {"kind": "file"}),
    "overlayfs file shared": (
        "memory-backend-file,size=16M,share=on",
        "overlay shared",
        {"kind": "file", "share": True},
    ),
    "disk file": ("memory-backend-file,size=16M,share=off", "file", {"kind": "file"}),
    "disk file shared": ("memory-backend-file,size=16M,share=on", "file", {"kind": "file", "share": True}),
    "disk file read-only": (
        "memory-backend-file,size=16M,share=on,readonly=on",
        "file",
        {"kind": "file", "share": True, "readonly": True},
    ),
}

# Each request follows on the one before it: shared blocks are passed over as the set before says.
REQUESTS = [
    {"background-snapshot": True},
    {"background-snapshot": False},
    {"postcopy-ram": True},
    {"postcopy-ram": False},
    {"background-snapshot": True, "x-ignore-shared": True},
    {"x-ignore-shared": True, "background-snapshot": False},
    {"background-snapshot": True},
    {"background-snapshot": False, "x-ignore-shared": False},
    {"background-snapshot": True},
]


def ask_here(build, memory, incoming):
    checker = Checker(build, Host.local([memory]), incoming=incoming)
    old, answers = {}, []
    for request in REQUESTS:
        new = {**old, **request}
        verdict = checker.check([name for name, on in new.items() if on], [name for name, on in old.items() if on])
        answers.append(verdict.message)
        old = new if verdict else old
    return answers


@pytest.mark.parametrize("user", [None, NOBODY], ids=["root", "nobody"])
@pytest.mark.parametrize("side", [(), ("-incoming", "defer")], ids=["outgoing", "incoming"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_backend(build, closed_userfaultfd, places, backend, side, user):
    option, place, keywords = BACKENDS[backend]
    if place is not None:
        if places[place] is None:
            pytest.skip(f"needs a machine that can give {place!r}: huge pages of so many bytes, or private mounts")
        if keywords["kind"] == "file":
            keywords = {**keywords, "path": str(places[place])}
            option += f",mem-path={places[place]}"
    memory = Memory(**keywords)
    if place == "huge link":
        os.truncate(places[place], 0)
    answers = run_in_child(ask_here, build, memory, bool(side), user=user)
    objects = ("-object", f"{option},id=m0", "-machine", "memory-backend=m0")
    try:
        with live_qemu(*side, *objects, user=user) as qemu:
            expected = [qemu.set_capabilities(request) for request in REQUESTS]
    except DidNotStartError as error:
        if "memory size must be multiple of" not in str(error):
            raise
        pytest.skip(f"QEMU {build.release} takes no such backend")
    assert answers == expected


def test_nothing_is_changed_or_left_behind(places):
    file = places["file"]
    before = (file.stat(), file.read_bytes())
    folders = [places[place] for place in ("disk", "shm", 2 * MIB) if places[place] is not None]
    listed = [sorted(os.listdir(folder)) for folder in folders]
    short = None
    if places[2 * MIB] is not None:
        short = places["huge link"]
        os.truncate(short, 0)
    paths = [file, *folders, *([short] if short else [])]
    os.utime(file, ns=(1, 2))
    changed = file.stat()
    for path in paths:
        for share in (False, True):
            host = Host.local([Memory("file", path=str(path), share=share)])
            host.to_dict()
    assert (file.stat(), file.read_bytes())[1] == before[1]
    now = file.stat()
    assert (now.st_size, now.st_mtime_ns, now.st_ctime_ns) == (
        changed.st_size,
        changed.st_mtime_ns,
        changed.st_ctime_ns,
    )
    assert [sorted(os.listdir(folder)) for folder in folders] == [sorted(names) for names in listed]
    if short:
        assert short.stat().st_size == 0


def test_atime_stays(places):
    os.utime(places["file"], ns=(1, 2))
    Host.local([Memory("file", path=str(places["file"]))]).to_dict()
    assert places["file"].stat().st_atime_ns == 1


@pytest.mark.parametrize(
    "path, error", [("/nonexistent/x", FileNotFoundError), ("/dev/null", ValueError), ("/proc/self/exe/x", OSError)]
)
def test_paths_that_back_nothing(path, error):
    with pytest.raises(error) as caught:
        Host.local([Memory("file", path=path)])
    assert path in str(caught.value)
