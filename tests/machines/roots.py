# SPDX-License-Identifier: GPL-2.0-or-later

"""Bare roots of other systems: mmdebstrap makes each once, build/machines keeps it as an archive, a run unpacks it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.live.bring import fetch, say

TREE = Path(__file__).parents[2]
KEPT = TREE / "build" / "machines"
ENTER = Path(__file__).with_name("enter")
KEYRINGS = Path("/usr/share/keyrings")
LATE = '--aptopt=Acquire::Check-Valid-Until "false"'  # a mirror may lag behind
BARE = ("--quiet", "--variant=apt", "--format=tar", "--include=python3,make,ca-certificates", LATE)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = ("CI", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Root:
    """A release of a distribution.

    fortified: the compiler defines _FORTIFY_SOURCE=3. stand_in: the root to use if this one can't be downloaded.
    """

    vendor: str
    suite: str
    components: str = "main"
    fortified: bool = False
    stand_in: str | None = None


ROOTS = {
    "debian-12": Root("debian", "bookworm"),
    "debian-13": Root("debian", "trixie"),
    "ubuntu-24.04": Root("ubuntu", "noble", "main,universe", stand_in="debian-13-fortified"),
    "debian-13-fortified": Root("debian", "trixie", fortified=True),
    "debian-sid": Root("debian", "sid"),
}

FORTIFIED_COMPILER = '#!/bin/sh\nexec /usr/bin/gcc -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 "$@"\n'
COMPILER_NAMES = ("cc", "gcc", "x86_64-linux-gnu-gcc")


# ---- A bare root ----


def mirror(vendor: str) -> list[str]:
    """The mirror of a vendor's archive from this machine's apt, if any. mmdebstrap has a default."""
    label = f"Label: {vendor.title()}"
    return fetch("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", label).split()[:1]


def keyring(vendor: str) -> Path:
    """The vendor's keyring on this machine, or else from Debian's package of it."""
    name = f"{vendor}-archive-keyring.gpg"
    if (KEYRINGS / name).exists():
        return KEYRINGS / name
    folder = KEPT / f"{vendor}-keyring"
    if not folder.exists():
        options = ("--quiet", "--variant=extract", f"--include={vendor}-keyring")
        fetch("mmdebstrap", *options, "trixie", str(folder), *mirror("debian"))
    return folder / KEYRINGS.relative_to("/") / name


def archive_of(root: Root, scratch: Path) -> Path:
    """The archive of a bare root. Make it in the scratch folder unless it exists."""
    archive, unfinished = KEPT / f"{root.suite}.tar", scratch / "unfinished"
    if not archive.exists():
        say(root.suite, "making a bare root; this can take some minutes")
        keys = f"--keyring={keyring(root.vendor)}"
        components = f"--components={root.components}"
        fetch("mmdebstrap", *BARE, components, keys, root.suite, str(unfinished), *mirror(root.vendor))
        unfinished.rename(archive)
    return archive


# ---- What a root takes over from this machine ----


def pip_settings() -> dict[str, list[str]]:
    """This machine's pip settings, without local folders: a root uses only the index in the network."""
    listed = fetch(sys.executable, "-m", "pip", "config", "list")
    entries = re.findall(r"^(global|install|:env:)\.(\S+)='(.*)'$", listed, re.MULTILINE)
    found = {}
    for section in ("global", "install", ":env:"):
        found |= {name: value.split() for where, name, value in entries if where == section}
    near = {name: [word for word in words if not is_folder(word)] for name, words in found.items()}
    return {name: words for name, words in near.items() if words}


def is_folder(word: str) -> bool:
    """Whether a word of pip's settings is a local folder."""
    return word.startswith("file:") or (word.startswith("/") and Path(word).is_dir())


def environment_of(settings: dict[str, list[str]]) -> dict[str, str]:
    """The environment variables in a root."""
    pip = {f"PIP_{name.upper().replace('-', '_')}": " ".join(words) for name, words in settings.items()}
    return {
        "PATH": PATH,
        "HOME": "/root",
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **pip,
    }


def prepare(folder: Path, root: Root, settings: dict[str, list[str]]) -> None:
    """Unpack a root. Add this machine's network settings and the committed tree."""
    subprocess.run(["tar", "-xf", archive_of(root, folder), "-C", folder], check=True)
    files = [word for words in settings.values() for word in words if word.startswith("/")]
    for file in ("/etc/resolv.conf", *files):
        copy = folder / file.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(Path(file).read_bytes())
    for name in COMPILER_NAMES if root.fortified else ():
        compiler = folder / "usr/local/bin" / name
        compiler.write_text(FORTIFIED_COMPILER)
        compiler.chmod(0o755)
    subprocess.run(f"git archive --prefix=root/pymig/ HEAD | tar -x -C {folder}", cwd=TREE, shell=True, check=True)


# ---- Inside ----


@dataclass(frozen=True)
class Bare:
    """An unpacked root, and the environment of the commands in it. Their output goes to build/machines/NAME.log."""

    name: str
    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the root. If it fails, print the end of its output."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        ran = subprocess.run([ENTER, self.folder, *command], env=self.environment, check=False, text=True, **streams)
        with (KEPT / f"{self.name}.log").open("a") as log:
            log.write(ran.stdout)
        if ran.returncode:
            print("\n".join(ran.stdout.splitlines()[-30:]))
        return ran


@contextlib.contextmanager
def unpacked(name: str, root: Root) -> Iterator[Bare]:
    """A bare root with the committed tree in /root/pymig, until the context ends."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.log").unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=KEPT))
    try:
        settings = pip_settings()
        prepare(folder, root, settings)
        yield Bare(name, folder, environment_of(settings))
    finally:
        shutil.rmtree(folder)
