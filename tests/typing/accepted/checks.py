# SPDX-License-Identifier: GPL-2.0-or-later

"""Questions, and their answers."""

import array
import pathlib
from typing import Any

from typing_extensions import assert_type

from pymig import (
    CapabilityError,
    CapabilitySet,
    Change,
    Checker,
    Context,
    Host,
    KnownFault,
    ParameterError,
    ParameterTypeError,
    QemuBinaryError,
    QemuBuild,
    Verdict,
    __version__,
    check,
    validate,
)

version: str = __version__

build = QemuBuild("8.2", live_block_migration=False, compressions=["none", "zlib", "zstd"], target="x86_64")
assert_type(QemuBuild((8, 0)), QemuBuild)
assert_type(QemuBuild.releases(), tuple[str, ...])
assert_type(QemuBuild.newest(), QemuBuild)
assert_type(build.release, str)
assert_type(
    [build.live_block_migration, build.replication, build.linux, build.zstd, build.direct_io],
    list[bool],
)
assert_type(build.compressions, tuple[str, ...])
assert_type(build.downstream, tuple[str, ...])
assert_type(build.target, str | None)
assert_type(build.machine, str | None)
assert_type(build.target_page_size, int)
assert_type([build.capabilities, build.listed, build.deprecated, build.unstable], list[CapabilitySet])
assert_type(build.known_faults, tuple[KnownFault, ...])
for fault in build.known_faults:
    assert_type([fault.fault, fault.command, fault.condition, fault.consequence], list[str])
    assert_type([fault.releases, fault.reference], list[str])
    assert_type(fault.capabilities, CapabilitySet)


def build_of(path: pathlib.Path) -> QemuBuild | None:
    """The build that matches a binary."""
    try:
        return QemuBuild.from_binary(path, timeout=5)
    except QemuBinaryError:
        return None


host = Host()
context = Context(build, host, incoming=True, parameters={"multifd-compression": "zstd"}, target_page_size=4096)
assert_type(Context(), Context)
assert_type(context.build, QemuBuild)
assert_type(context.host, Host | None)
assert_type(
    [context.incoming, context.incoming_started, context.kvm_dirty_ring, context.rdma, context.single_channel],
    list[bool],
)
assert_type(context.target_page_size, int | None)
assert_type(context.replace(build="10.0", incoming=False), Context)
assert_type(context.to_json(), str)
assert_type(Context.from_json(context.to_json()), Context)
assert_type({context: context == Context()}, dict[Context, bool])

checker = Checker(context)
assert_type(checker, Checker)
assert_type(Checker(build, host, incoming=True, rdma=True, parameters={"tls-creds": "tls0"}), Checker)
assert_type(Checker("10.1"), Checker)
assert_type(Checker((10, 1)), Checker)
assert_type(checker.context, Context)
assert_type(checker.build, QemuBuild)
assert_type(checker.host, Host)
assert_type(checker.incoming, bool)

verdict = checker.check(["multifd", "compress"])
assert_type(verdict, Verdict)
assert_type(checker.check(("multifd",), {"events"}), Verdict)
assert_type(checker.check({"multifd": True, "compress": False}), Verdict)
assert_type(checker.check(0b1000), Verdict)
assert_type(checker.check(CapabilitySet(["multifd"]), old=0b1000), Verdict)
assert_type(checker.explain(["multifd", "compress"]), list[Verdict])
assert_type(checker.suggest(["multifd", "compress"], limit=2), tuple[Change, ...])

assert_type(verdict.ok, bool)
assert_type(verdict.code, int)
assert_type(verdict.rule, str)
assert_type(verdict.message, str)
assert_type(verdict.hint, str | None)
assert_type(verdict.warnings, tuple[str, ...])
assert_type(verdict.capabilities, CapabilitySet)
assert_type(verdict.remedies, tuple[Change, ...])
for remedy in verdict.remedies:
    assert_type(remedy.apply(["multifd", "compress"]), CapabilitySet)
assert_type(verdict.to_dict(), dict[str, Any])
if verdict.hint is not None:
    assert_type(verdict.hint, str)

masks = array.array("I", range(16))
assert_type(checker.check_many(masks), bytearray)
assert_type(checker.check_many(bytes(64), ["events"]), bytearray)
assert_type(checker.check_many(memoryview(bytes(64)), old=0)[0], int)
assert_type(len(checker.check_many(masks, out=None)), int)
assert_type(checker.check_many(masks, out=bytearray(16)), bytearray)
assert_type(checker.check_many(masks, 0, memoryview(bytearray(16))), memoryview)
assert_type(checker.verdicts[checker.check_many(masks)[3]], Verdict)
assert_type(checker.histogram(masks), dict[Verdict, int])
assert_type(checker.histogram(bytes(64), ["events"])[checker.verdicts[0]], int)
assert_type({code: verdict.rule for code, verdict in checker.verdicts.items()}, dict[int, str])

assert_type(check(["events"]), Verdict)
assert_type(check({"events": True}, ["events"], build="10.0", host=host, kvm_dirty_ring=True), Verdict)
validate(["events"], build=(10, 0), incoming=True)
try:
    validate(["multifd", "compress"], parameters={"multifd-channels": 4})
except CapabilityError as refusal:
    assert_type(refusal.verdict, Verdict)
    assert_type(refusal.message, str)
    assert_type(refusal.hint, str | None)

try:
    Context(parameters={"multifd-channels": "many"})
except ParameterTypeError as wrong:
    assert_type(wrong.parameter, str)
except ParameterError as outside:
    assert_type(outside.message, str)
