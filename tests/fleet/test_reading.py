# SPDX-License-Identifier: GPL-2.0-or-later

"""Documents of many ends: what is damaged is named and skipped, everything else is read."""

import csv
import io
import itertools
import json
import math
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from pymig import Context, Endpoint, Fleet, Host, MigrationError, Plan, PostcopySupport, probe
from pymig.cli import main
from pymig.cli.fleet import _Bar
from pymig.documents import MOST_BYTES
from pymig.fleet.reading import Reader, documents
from pymig.host.document import FIELDS as HOST_FIELDS

ENDS = {release: Endpoint(Context(release, Host()), machine="pc-q35-8.2") for release in ("8.2", "10.0", "11.1")}
REPORT = probe()


def pretty(end):
    return json.dumps(end.to_dict(), indent=2) + "\n"


def line(end, **more):
    return json.dumps({**end.to_dict(), **more}) + "\n"


def read(text):
    return [(number, json.loads(document)) for number, document in documents(io.BytesIO(text.encode()))]


def run(capsys, *arguments):
    try:
        status = main(["fleet", *map(str, arguments)])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    return status, out, err


class TestStream:
    def test_json_lines_and_what_pymig_prints_mixed(self):
        ends = list(ENDS.values())
        text = line(ends[0]) + pretty(ends[1]) + "\n" + pretty(ends[2]).rstrip("\n") + pretty(ends[0]) + line(ends[1])
        found = read(text)
        assert [document for _, document in found] == [ends[i].to_dict() for i in (0, 1, 2, 0, 1)]
        lines = text.split("\n")
        assert all(lines[number - 1].endswith(("{", "}")) and "{" in lines[number - 1] for number, _ in found)

    @pytest.mark.parametrize("garbage", ["nonsense\n", "{\n", '{"a": [\n', "}\n", "{}}\n", "]\n[\n", "\0\xff\n"])
    def test_what_is_damaged_spoils_nothing_else(self, garbage):
        reader = Reader()
        good = [line(ENDS["8.2"]), pretty(ENDS["10.0"]), pretty(ENDS["11.1"])]
        text = garbage.join(["", *good, ""])
        ends, wrong = [], 0
        for _, document in documents(io.BytesIO(text.encode())):
            try:
                ends.append(reader.read(document)[1])
            except ValueError:
                wrong += 1
        assert ends == list(ENDS.values())
        assert wrong >= 4

    def test_a_cut_off_document_is_all_that_is_lost(self):
        whole = pretty(ENDS["10.0"])
        for cut in range(1, len(whole) - 3, 7):
            found = list(documents(io.BytesIO((whole[:cut] + "\n" + line(ENDS["8.2"])).encode())))
            assert json.loads(found[-1][1]) == ENDS["8.2"].to_dict()
            assert len(found) == 2

    def test_lines_that_are_read_at_once_change_nothing(self):
        """Every text of up to seven pieces is split as it is line by line, wherever the buffer ends."""
        for length in range(8):
            for pieces in itertools.product((b"{", b"}", b"\n", b" x"), repeat=length):
                text = b"".join(pieces)
                wanted = [*documents(io.BytesIO(text))]
                for size in (1, 2, 5, 64):
                    assert [*documents(io.BufferedReader(io.BytesIO(text), size))] == wanted, (text, size)

    @pytest.mark.parametrize("opened", [io.BytesIO, lambda text: io.BufferedReader(io.BytesIO(text))])
    def test_line_numbers(self, opened):
        text = (
            pretty(ENDS["8.2"]) * 2 + "\n\n" + line(ENDS["8.2"]) + "{" + "x" * MOST_BYTES + "\n" + pretty(ENDS["8.2"])
        )
        size = pretty(ENDS["8.2"]).count("\n")
        numbers = [number for number, _ in documents(opened(text.encode()))]
        assert numbers == [1, 1 + size, 3 + 2 * size, 4 + 2 * size, 5 + 2 * size]

    def test_a_huge_one_is_never_held_whole(self):
        huge = '{"a": "' + "x" * (3 * MOST_BYTES) + '"}\n'
        long = "{\n" + (" " * 1000 + "\n") * (2 * MOST_BYTES // 1000) + "}\n"
        for text in (huge, long):
            found = list(documents(io.BytesIO((text + line(ENDS["8.2"])).encode())))
            assert len(found[0][1]) == MOST_BYTES + 1
            assert json.loads(found[1][1]) == ENDS["8.2"].to_dict()
            with pytest.raises(ValueError, match="longer than 16 MiB"):
                Reader().read(found[0][1])

    def test_equal_texts_are_read_once(self):
        reader = Reader()
        text = line(ENDS["10.0"], name="web")
        assert reader.read(text) is reader.read(text.encode())
        other = reader.read(line(ENDS["10.0"], name="db"))
        assert other == ("db", reader.read(text)[1])
        assert other[1] is reader.read(text)[1]
        assert "name" not in other[1].to_dict()
        assert reader.read(line(ENDS["10.0"], rack=1))[1] is other[1], "rack decides nothing"
        assert reader.read(line(ENDS["10.0"].replace(cpus=3)))[1] is not other[1]
        assert reader.read(line(ENDS["10.0"].replace(cpus=3)))[1].context is other[1].context

    def test_the_number_1_and_true_are_two_texts(self):
        reader = Reader()
        ends = [reader.read(line(ENDS["10.0"], parameters={"multifd-channels": value}))[1] for value in (1, True, 1.0)]
        assert [type(end.parameters["multifd-channels"]) for end in ends] == [int, bool, float]

    @pytest.mark.parametrize(
        "name, says", [(3, "name must be a str"), (math.nan, "name is nan"), ("\ud800", "lone surrogate")]
    )
    def test_a_wrong_name(self, name, says):
        reader = Reader()
        reader.read(line(ENDS["10.0"]))
        with pytest.raises((TypeError, ValueError), match=says):
            reader.read(line(ENDS["10.0"], name=name))

    def test_what_is_remembered_is_bounded(self, monkeypatch):
        from pymig.fleet import reading

        monkeypatch.setattr(reading, "MOST_REMEMBERED", 3)
        reader = Reader()
        for i in range(10):
            end = ENDS["10.0"].replace(context=Context("10.0", Host(), rdma=i % 2 == 0), cpus=1 + i % 5)
            assert reader.read(line(end))[1] == end
            assert max(len(reader._texts), len(reader._contents), len(reader._contexts)) <= 3


STRANGE = [
    None,
    True,
    1,
    2**64,
    -1,
    1.0,
    math.nan,
    math.inf,
    "",
    "E",
    "absent",
    "1.9",
    "\ud800",
    "\u00fc",
    [],
    [[]],
    {},
]
"""What may stand anywhere in a document."""


def changed(document, path, value):
    """The document with another value in one place."""
    first, *rest = path
    return {**document, first: changed(document[first], rest, value) if rest else value}


def paths(document):
    """Every place of a document that is not within a list."""
    for name, value in document.items():
        yield [name]
        if isinstance(value, dict):
            yield from ([name, *path] for path in paths(value))


def result(read, text):
    """What is read, or why it is not."""
    try:
        return read(text)
    except (TypeError, ValueError, MigrationError) as error:
        return type(error), str(error)


HOST = {**REPORT.to_dict(), "new": 1}
END = Endpoint(
    Context("10.0", REPORT.host), machine="pc-q35-8.2", uuid=None, cpus=2, cpu_model=None, devices=[("e1000", "3")]
)


class TestWhatDecides:
    """A document is told from one that was read before by what decides, and is checked as strictly as by itself."""

    def test_hosts(self):
        reader = Reader()
        good = reader.read(json.dumps(HOST))[1]
        for path in [*paths(HOST), ["\ud800"], ["other"]]:
            for value in STRANGE:
                text = json.dumps(changed(HOST, path, value))
                wanted = result(Host.from_json, text)
                found = result(lambda text: reader.read(text)[1].host, text)
                assert found == wanted or (path == ["schema"] and "is no end" in found[1]), (path, value)
                assert path[0] in HOST_FIELDS or not isinstance(found, Host) or found is good.host

    def test_ends(self):
        reader = Reader()
        document = {**END.to_dict(), "new": 1}
        reader.read(json.dumps(document))
        for path in [*paths(document), ["\ud800"], ["other"], ["context", "host", "other"]]:
            for value in STRANGE:
                text = json.dumps(changed(document, path, value))
                wanted = result(Endpoint.from_json, text)
                found = result(lambda text: reader.read(text)[1], text)
                assert found == wanted or (path == ["schema"] and "is no end" in found[1]), (path, value)

    def test_every_field_that_is_read_decides(self):
        seen = set()

        class Seen(dict):
            def __getitem__(self, name):
                seen.add(name)
                return super().__getitem__(name)

            def get(self, name, default=None):
                seen.add(name)
                return super().get(name, default)

            def __contains__(self, name):
                seen.add(name)
                return super().__contains__(name)

        Host._from_dict(Seen(HOST))
        assert seen == set(HOST_FIELDS)


@pytest.fixture
def folder(tmp_path):
    """Ends in files and in lines; one damaged, one newer, one huge; and what is no document."""
    for release, end in ENDS.items():
        (tmp_path / f"qemu-{release}.json").write_text(pretty(end))
    (tmp_path / "hosts.jsonl").write_text(
        json.dumps({**REPORT.to_dict(), "name": "named"}) + "\n" + REPORT.host.to_json().replace("\n", " ")
    )
    (tmp_path / "README").write_text("no document")
    return tmp_path


@pytest.fixture
def spoilt(folder):
    (folder / "damaged.json").write_text('{"schema": ')
    (folder / "newer.json").write_text(line(ENDS["10.0"], version="2.0"))
    (folder / "huge.json").write_text('{"a": "' + "x" * (MOST_BYTES + 1) + '"}')
    (folder / "refused.json").write_text(line(ENDS["10.0"].replace(parameters={"multifd-channels": 0})))
    (folder / "twice.json").write_text(line(ENDS["10.0"], name="qemu-10.0"))
    (folder / "empty.json").write_text("")
    (folder / "folder.json").mkdir()
    return folder


NAMES = ["named", "hosts:2", "qemu-10.0", "qemu-11.1", "qemu-8.2"]
SKIPPED = {
    "damaged": "text is not JSON",
    "empty": "text is not JSON",
    "folder.json": "neither a file nor a pipe",
    "huge": "text is longer than 16 MiB",
    "newer": "use a newer pymig",
    "refused": "no migration can have this end",
    "twice": "the name 'qemu-10.0' twice",
}


class TestCommand:
    def expected(self, plan):
        hosts = dict.fromkeys(NAMES[:2], Endpoint(Context("11.1", REPORT.host)))
        return Fleet({**hosts, **{name: ENDS[name.removeprefix("qemu-")] for name in NAMES[2:]}}).matrix(plan)

    def test_json(self, capsys, folder):
        status, out, err = run(capsys, folder, "multifd", "--parameter", "multifd-channels=4", "--json")
        matrix = self.expected(Plan(["multifd"], {"multifd-channels": 4}, uri="tcp:destination:4444"))
        rows = [json.loads(row) for row in out.splitlines()]
        assert [(row["source"], row["destination"]) for row in rows] == [(a, b) for a in NAMES for b in NAMES]
        assert all(row["ok"] == matrix.can(row["source"], row["destination"]) for row in rows)
        assert (status, err) == (0 if all(row["ok"] for row in rows) else 1, "")

    def test_a_plan_from_a_file(self, capsys, folder, tmp_path, monkeypatch):
        plan = Plan.from_virsh("--live --postcopy", source="10.0", destination="10.0")
        file = tmp_path / "plan"
        file.write_text(plan.to_json())
        matrix = self.expected(plan)
        wanted = [matrix.can(source, destination) for source in NAMES for destination in NAMES]
        with file.open("rb") as stdin:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
            for given in (file, "-"):
                out = run(capsys, folder, "--plan", given, "--json")[1]
                assert [json.loads(row)["ok"] for row in out.splitlines()] == wanted

    def test_what_is_bad_is_named_and_skipped(self, capsys, spoilt):
        status, out, err = run(capsys, spoilt, "multifd", "postcopy-ram", "--csv")
        rows = list(csv.DictReader(out.splitlines()))
        assert sorted({row["source"] for row in rows}) == sorted(NAMES)
        assert len(rows) == len(NAMES) ** 2
        assert status == 2
        for told, (name, why) in zip(sorted(err.splitlines()), SKIPPED.items(), strict=True):
            assert told.startswith(f"pymig: skipped {name}: ")
            assert why in told

    def test_json_says_so_on_standard_output(self, capsys, spoilt):
        status, out, err = run(capsys, spoilt, "--json")
        skipped = [row for row in map(json.loads, out.splitlines()) if "skipped" in row]
        assert (status, err, [row["skipped"] for row in skipped]) == (2, "", list(SKIPPED))
        assert {row["error"]["kind"] for row in skipped} == {"ValueError"}

    def test_table_and_page(self, capsys, folder):
        page = folder / "page.html"
        status, out, err = run(capsys, folder, "multifd", "postcopy-ram", "--html", page)
        assert (status, err) == (1, "")
        assert re.search(r"^R\d+ refused: the guest runs at the source", out, re.MULTILINE)
        assert "remedy        set the capabilities without postcopy-ram or without multifd" in out
        matrix = self.expected(Plan(["multifd", "postcopy-ram"], uri="tcp:destination:4444"))
        assert out.endswith(f"{matrix.count()} of {len(NAMES) ** 2} pairs complete, or wait as designed\n")
        assert page.read_text(encoding="utf-8") == matrix.to_html()

    def test_statuses(self, capsys, tmp_path, monkeypatch):
        file = tmp_path / "ends"
        file.write_text(line(ENDS["10.0"]))
        assert run(capsys, file)[0] == 0
        with file.open("rb") as stdin:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
            assert run(capsys, "-", "multifd")[0] == 0
        unknown = Host("compatible", PostcopySupport(False, 0, 24))
        file.write_text(unknown.to_json() + "\n")
        status, out, _ = run(capsys, file, "postcopy-ram", "--json")
        assert (status, json.loads(out)["outcome"]) == (2, "unknown")
        assert run(capsys, file, "--qemu", "8.2")[1].split()[9] == "8.2"

    @pytest.mark.parametrize(
        "words, says",
        [
            (["nowhere"], "No such file"),
            (["/dev/null"], "neither a file nor a pipe"),
            (["empty"], "empty: there is no end that can be read"),
            (["empty", "multfd", "--order", "x"], "invalid choice"),
            (["empty", "--qemu", "1.0"], "1.0"),
            (["empty", "--json", "--csv"], "not allowed with"),
            (["empty", "multifd", "--plan", "plan"], "NAME can't be given with --plan"),
            (["empty", "--postcopy", "--plan", "plan"], "--postcopy can't be given with --plan"),
            (["empty", "--plan", "missing"], "--plan missing: No such file"),
            (["empty", "--plan", "plan"], "--plan plan: text is no such document"),
            (["-", "--plan", "-"], "can't be both ENDS and the plan"),
        ],
    )
    def test_wrong_usage(self, capsys, tmp_path, monkeypatch, words, says):
        (tmp_path / "empty").mkdir()
        (tmp_path / "plan").write_text("{}")
        monkeypatch.chdir(tmp_path)
        status, out, err = run(capsys, *words)
        assert status == 2
        assert says in out + err

    def test_nothing_of_others_is_printed_raw(self, capsys, tmp_path):
        file = tmp_path / "ends"
        file.write_text(
            line(ENDS["8.2"], name="\x1b[31mred\n") + line(ENDS["10.0"].replace(machine="\x1b]0;x\a"), name="\x07")
        )
        for words in ([], ["--csv"], ["--json"]):
            status, out, err = run(capsys, file, *words)
            assert status == 1
            assert all(c.isprintable() or c == "\n" for c in out + err)
            assert "red\n" not in out + err
        file.write_text('{"schema": "\x1b"}')
        assert "\x1b" not in "".join(map(str, run(capsys, file)))

    @pytest.mark.parametrize(
        "command",
        [
            "{fleet} spoilt > /dev/full",
            "{fleet} spoilt --csv > /dev/full",
            "{fleet} spoilt --json > /dev/full",
            "{fleet} spoilt --json > /dev/full 2> /dev/full",
            "{fleet} spoilt 2> /dev/full",
            "{fleet} spoilt 2>&-",
            "{fleet} spoilt >&-",
            "{fleet} - <&-",
            "{fleet} - < /dev/null",
            "{fleet} good --html /dev/full",
            "{fleet} good --html .",
            "{fleet} good --html missing/page.html",
            "{fleet} loop",
        ],
    )
    def test_hostile_surroundings(self, tmp_path, command):
        (tmp_path / "good").write_text(line(ENDS["10.0"]))
        (tmp_path / "loop").symlink_to("loop")
        (tmp_path / "spoilt").write_text("\n".join(["nonsense"] * 200) + "\n" + line(ENDS["10.0"]))
        shown = command.format(fleet=f"{shlex.quote(sys.executable)} -m pymig fleet")
        words = ["/bin/sh", "-c", shown]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr

    def test_hostile_files(self, capsys, folder):
        (folder / "loop.json").symlink_to("loop.json")
        (folder / "dangling.json").symlink_to("missing.json")
        (folder / "zero.json").symlink_to("/dev/zero")
        (folder / "binary.json").write_bytes(bytes(range(256)))
        (folder / "deep.json").write_text('{"a":' * 10**5)
        os.mkfifo(folder / "pipe.json")
        shutil.copy(folder / "qemu-8.2.json", os.fsencode(folder) + b"/\xff.json")
        status, out, err = run(capsys, folder, "--csv")
        places = [told.removeprefix("pymig: skipped ").partition(": ")[0] for told in err.splitlines()]
        assert {place.partition(":")[0] for place in places} == {
            "loop.json",
            "dangling.json",
            "zero.json",
            "binary",
            "deep",
            "pipe",
        }
        assert {row["source"] for row in csv.DictReader(out.splitlines())} == {*NAMES, "\\udcff"}
        assert status == 2

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to drop the right to read everything")
    def test_a_file_that_may_not_be_read(self, folder):
        (folder / "secret.json").write_text(line(ENDS["10.0"]))
        (folder / "secret.json").chmod(0)
        dropped = [
            "setpriv",
            "--bounding-set",
            "-dac_override,-dac_read_search",
            sys.executable,
            "-m",
            "pymig",
            "fleet",
        ]
        done = subprocess.run([*dropped, folder], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert re.fullmatch(r"pymig: skipped secret.json: .*Permission denied.*\n", done.stderr)
        assert "\n1  " in done.stdout

    def test_progress_on_a_terminal(self, tmp_path):
        file = tmp_path / "ends"
        file.write_text("".join(line(ENDS["10.0"].replace(cpus=1 + i)) for i in range(150)))
        ours, theirs = pty.openpty()
        words = [sys.executable, "-m", "pymig", "fleet", str(file), "--csv"]
        try:
            environment = {**os.environ, "TERM": "xterm"}
            with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:
                os.close(theirs)
                shown = b""
                while piece := _read(ours):
                    shown += piece
                assert process.wait() == 1
        finally:
            os.close(ours)
        assert b"] 100%" not in shown
        assert re.search(rb"(asking|explaining) \[#*\.*\] +\d+%", shown)
        assert b"\r\x1b[K" in shown
        assert shown.endswith(b"\r\x1b[K")

    def test_a_bar(self, monkeypatch, capsys):
        monkeypatch.setattr("pymig.cli.fleet._is_terminal", lambda: True)
        monkeypatch.setattr("pymig.cli.fleet.OFTEN", 0)
        bar = _Bar("asking")
        for done, total in ((3, 0), (1, 2), (2, 2)):
            bar(done, total)
        cleared = "\r\x1b[K"
        assert capsys.readouterr().err == f"{cleared}asking 3{cleared}asking [{'#' * 12}{'.' * 12}]  50%{cleared}"


def _read(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # EIO: the other end is closed
        return b""
