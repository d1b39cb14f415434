# SPDX-License-Identifier: GPL-2.0-or-later

"""Many ends at once."""

from typing_extensions import assert_type

from pymig import Context, Endpoint, Fleet, FleetMatrix, Host, Plan, Preflight

ends = {"here": Endpoint(Context("10.0", Host())), "there": Endpoint(Context("11.1", Host()))}
fleet = Fleet(ends)
assert_type(Fleet([end.to_json() for end in ends.values()]), Fleet)
assert_type(fleet.names, tuple[str, ...])
assert_type(fleet.classes, int)
assert_type(fleet.representatives(Plan()), tuple[Endpoint, ...])
assert_type(fleet.variants, tuple[tuple[Endpoint, tuple[str, ...]], ...])
assert_type(fleet.replace("here", ends["there"]), Fleet)

matrix = fleet.matrix(Plan(["multifd"], uri="tcp:host:4444"), progress=lambda done, total: print(done / total))
assert_type(matrix, FleetMatrix)
assert_type(matrix.plan, Plan)
assert_type(matrix.kinds, tuple[tuple[str, str], ...])
assert_type(matrix.classes, int)
assert_type(matrix.can("here", "there"), bool)
assert_type(matrix.preflight("here", "there"), Preflight)
assert_type(matrix.count(), int)
assert_type([matrix.to_html(), matrix.to_csv()], list[str])
for view in (matrix.class_outcomes, matrix.class_of, matrix.outcomes, matrix.block(["here"], matrix.names)):
    assert_type(bytes(view), bytes)
out = bytearray(2)
assert_type(matrix.block(["here"], matrix.names, out), bytearray)
table = matrix.to_arrow()
