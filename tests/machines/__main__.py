# SPDX-License-Identifier: GPL-2.0-or-later

"""Run `make run` and `make test` in bare roots, which have only python3 and make, and print a table.

    python -m tests.machines [ROOT...]

mmdebstrap makes each root once; build/machines keeps it as an archive. A run unpacks the archive, enters the root, and
removes it at the end. The output of make goes to build/machines/ROOT.log.

Exit status: 0 all passed, 1 one failed, 77 one can't be had.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

from tests.live.bring import BringError, NotHadError, fetch, say, worst

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
USUAL = ["debian-12", "debian-13", "ubuntu-24.04"]

FORTIFIED_COMPILER = '#!/bin/sh\nexec /usr/bin/gcc -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 "$@"\n'
COMPILER_NAMES = ("cc", "gcc", "x86_64-linux-gnu-gcc")


@dataclass
class Row:
    """The results of one root."""

    root: str
    make_run: str = "-"
    run_seconds: str = "-"
    make_test: str = "-"
    test_seconds: str = "-"
    passed: str = "-"
    failed: str = "-"
    skipped: str = "-"


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


# ---- Both commands ----


def make(name: str, target: str, folder: Path, environment: dict[str, str]) -> tuple[str, str, str]:
    """Make a target in a root. Return passed or failed, the seconds, and the output."""
    say(name, f"make {target}")
    begin = time.monotonic()
    command = [ENTER, folder, "make", "-C", "/root/pymig", target]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    ran = subprocess.run(command, env=environment, check=False, text=True, **streams)
    with (KEPT / f"{name}.log").open("a") as log:
        log.write(ran.stdout)
    if ran.returncode:
        print("\n".join(ran.stdout.splitlines()[-30:]))
    return "failed" if ran.returncode else "passed", f"{time.monotonic() - begin:.0f}", ran.stdout


def counts(text: str) -> dict[str, str]:
    """The numbers of passed, failed and skipped tests from pytest's last line."""
    ends = re.findall(r"^(?:=+ )?((?:\d+ \w+,? )+)in [\d.]+s", text, re.MULTILINE)
    found = {word: number for number, word in re.findall(r"(\d+) (\w+)", ends[-1])} if ends else {}
    return {word: found.get(word, "0") for word in ("passed", "failed", "skipped")} if found else {}


def run(name: str, row: Row) -> int:
    """Fill the row of a root. Return an exit status."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.log").unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=KEPT))
    try:
        settings = pip_settings()
        prepare(folder, ROOTS[name], settings)
        environment = environment_of(settings)
        row.make_run, row.run_seconds, _ = make(name, "run", folder, environment)
        row.make_test, row.test_seconds, text = make(name, "test", folder, environment)
    except BringError as error:
        say(name, f"{error.outcome}: {error}")
        row.make_run = row.make_test = error.outcome
        return error.status
    finally:
        shutil.rmtree(folder)
    vars(row).update(counts(text))
    return int("failed" in (row.make_run, row.make_test))


def table(rows: list[Row]) -> str:
    """The rows as text, a line each."""
    lines = [[field.name.replace("_", " ") for field in fields(Row)], *(list(vars(row).values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def known_root(text: str) -> str:
    """The root, if it is one."""
    if text not in ROOTS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(ROOTS)}")
    return text


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.machines", description="Test on bare machines.")
    text = f"of {', '.join(ROOTS)}; if none is given: {', '.join(USUAL)}"
    parser.add_argument("roots", nargs="*", metavar="ROOT", type=known_root, default=USUAL, help=text)
    names, rows, statuses = list(parser.parse_args().roots), [], []
    for name in names:
        rows.append(Row(name))
        statuses.append(run(name, rows[-1]))
        stand_in = ROOTS[name].stand_in
        if statuses[-1] == NotHadError.status and stand_in:
            say(name, f"{stand_in} stands in")
            names.append(stand_in)
    print(table(rows))
    return worst(statuses)


if __name__ == "__main__":
    sys.exit(main())
