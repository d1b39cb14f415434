# SPDX-License-Identifier: GPL-2.0-or-later

"""What changes from one release to another."""

from typing_extensions import assert_type

from pymig import CapabilitySet, Host, KnownFault, QemuBuild, ReleaseDifference, Verdict, diff

difference = diff("10.0", QemuBuild("10.1"), [["multifd", "postcopy-ram"]], host=Host(), incoming=True)
assert_type(difference, ReleaseDifference)
assert_type(diff((9, 0), (9, 1), parameters={"multifd-channels": 4}, rdma=True), ReleaseDifference)
assert_type([difference.before, difference.after], list[QemuBuild])
assert_type([difference.added, difference.removed, difference.deprecated], list[CapabilitySet])
assert_type([difference.rules_added, difference.rules_removed], list[tuple[Verdict, ...]])
assert_type(difference.rules_changed, tuple[tuple[Verdict, Verdict], ...])
assert_type(difference.parameters_added, tuple[str, ...])
assert_type(difference.parameters_removed, tuple[str, ...])
assert_type(difference.parameters_deprecated, tuple[str, ...])
assert_type(difference.parameters_changed, tuple[tuple[str, str, str], ...])
assert_type(difference.statuses_added, tuple[str, ...])
assert_type([difference.faults_added, difference.faults_mended], list[tuple[KnownFault, ...]])
for names, before, after in difference.answers:
    assert_type(names, CapabilitySet)
    assert_type([before, after], list[Verdict])
