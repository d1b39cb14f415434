"""`make run` and `make test` on machines with nothing but python3 and make: python -m tests.machines [ROOT ...]

A bare root is made once by mmdebstrap and kept as an archive. Each run unpacks it, enters it, and removes it again.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path
from subprocess import PIPE

KEPT = Path("build/machines")
ENTER = Path(__file__).with_name("enter")
KEYRINGS = Path("usr/share/keyrings")
BARE = "python3,make,ca-certificates"
PASSED_ON = ("CI", "http_proxy", "https_proxy", "no_proxy")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Root:
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
USUAL = ("debian-12", "debian-13", "ubuntu-24.04")

# As Ubuntu's compiler is.
FORTIFIED_COMPILER = '#!/bin/sh\nexec /usr/bin/gcc -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 "$@"\n'
COMPILER_NAMES = ("cc", "gcc", "x86_64-linux-gnu-gcc")


@dataclass
class Row:
    """What came of one root, as the table shows it."""

    root: str
    make_run: str = "not had"
    run_seconds: str = "-"
    make_test: str = "not had"
    test_seconds: str = "-"
    passed: str = "-"
    failed: str = "-"
    skipped: str = "-"

    def was_had(self):
        return self.make_run != "not had"

    def is_good(self):
        return self.make_run == self.make_test == "ok" or (not self.was_had() and ROOTS[self.root].stand_in)


# ---- Making a root ----


def mirror(vendor):
    """This machine's mirror, if it has one of that vendor; without one, mmdebstrap takes the vendor's own."""
    about = ["Created-By: Packages", f"Origin: {vendor.title()}", f"Label: {vendor.title()}"]
    return output("apt-get", "indextargets", "--format", "$(SITE)", *about).split()[:1]


def keyring(vendor):
    """This machine's keyring of that vendor, or the one that Debian packages."""
    name = f"{vendor}-archive-keyring.gpg"
    if ("/" / KEYRINGS / name).exists():
        return "/" / KEYRINGS / name
    folder = KEPT / f"{vendor}-keyring"
    if not folder.exists():
        package = f"--include={vendor}-keyring"
        output("mmdebstrap", "--quiet", "--variant=extract", package, "trixie", folder, *mirror("debian"))
    return folder / KEYRINGS / name


def archive_of(root):
    archive = KEPT / f"{root.suite}.tar"
    if not archive.exists():
        print(f"making a bare root of {root.vendor} {root.suite}; this can take some minutes", flush=True)
        options = ["--quiet", "--variant=apt", "--format=tar", f"--include={BARE}", f"--components={root.components}"]
        unfinished = archive.with_suffix(".unfinished")
        keys = f"--keyring={keyring(root.vendor)}"
        output("mmdebstrap", *options, keys, root.suite, unfinished, *mirror(root.vendor))
        unfinished.rename(archive)
    return archive


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# ---- Preparing it ----


def pip_settings():
    """This machine's settings of pip, as the environment has them, and the files that they name.

    What lies in a folder of this machine is left out: a root has the network's index alone.
    """
    listed = output(sys.executable, "-m", "pip", "config", "list")
    entries = re.findall(r"^(global|install|:env:)\.(\S+)='(.*)'$", listed, re.MULTILINE)
    settings = {}
    for section in ("global", "install", ":env:"):
        settings |= {name: value.split() for where, name, value in entries if where == section}
    near = {name: [word for word in words if not is_folder(word)] for name, words in settings.items()}
    files = [Path(word) for words in near.values() for word in words if word.startswith("/")]
    return {f"PIP_{name.upper().replace('-', '_')}": " ".join(words) for name, words in near.items() if words}, files


def is_folder(word):
    return word.startswith("file:") or (word.startswith("/") and Path(word).is_dir())


def prepare(folder, root, archive, files):
    output("tar", "-xf", archive, "-C", folder)
    for file in (Path("/etc/resolv.conf"), *files):
        copy = folder / file.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    for name in COMPILER_NAMES if root.fortified else ():
        compiler = folder / "usr/local/bin" / name
        compiler.write_text(FORTIFIED_COMPILER)
        compiler.chmod(0o755)
    source = folder / "root/pymig"
    source.mkdir()
    tree = subprocess.run(["git", "archive", "HEAD"], check=True, stdout=PIPE).stdout
    subprocess.run(["tar", "-x", "-C", source], check=True, input=tree)


# ---- Running in it ----


def make(target, folder, environment, log):
    """The outcome of a make target in the root, the seconds that it took, and what it said."""
    print(f"    make {target}", flush=True)
    begin = time.monotonic()
    command = [ENTER, folder, "make", "-C", "/root/pymig", target]
    done = subprocess.run(
        command,
        check=False,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=PIPE,
        stderr=subprocess.STDOUT,
    )
    with log.open("a") as file:
        file.write(done.stdout)
    if done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-30:]))
    return "ok" if done.returncode == 0 else "fails", f"{time.monotonic() - begin:.0f}", done.stdout


def counts(text):
    """How many tests passed, failed and were skipped, as pytest counts them at its end."""
    ends = re.findall(r"^(?:=+ )?((?:\d+ \w+,? )+)in [\d.]+s", text, re.MULTILINE)
    found = {word: number for number, word in re.findall(r"(\d+) (\w+)", ends[-1])} if ends else {}
    return {word: found.get(word, "0" if found else "-") for word in ("passed", "failed", "skipped")}


def run(name):
    root, row, log = ROOTS[name], Row(name), KEPT / f"{name}.log"
    try:
        archive = archive_of(root)
    except subprocess.CalledProcessError as error:
        print(f"{name}: not had: {error.stderr.strip()}")
        return row
    print(f"{name}: what make says goes to {log}", flush=True)
    log.unlink(missing_ok=True)
    settings, files = pip_settings()
    passed_on = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    environment = {"PATH": PATH, "HOME": "/root", **settings, **passed_on}
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=KEPT))
    try:
        prepare(folder, root, archive, files)
        row.make_run, row.run_seconds, _ = make("run", folder, environment, log)
        row.make_test, row.test_seconds, text = make("test", folder, environment, log)
    finally:
        shutil.rmtree(folder)
    vars(row).update(counts(text))
    return row


def table(rows):
    lines = [[field.name.replace("_", " ") for field in fields(Row)], *([*vars(row).values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def main(names):
    KEPT.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in names or USUAL:
        rows.append(run(name))
        stand_in = ROOTS[name].stand_in
        if stand_in and not rows[-1].was_had():
            print(f"{name}: {stand_in} stands in for it")
            rows.append(run(stand_in))
    print(table(rows))
    return 0 if all(row.is_good() for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
