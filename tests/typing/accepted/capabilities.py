# SPDX-License-Identifier: GPL-2.0-or-later

"""Sets of capabilities, and the changes that undo a refusal."""

from collections.abc import Iterator, Mapping

from typing_extensions import assert_type

from pymig import CapabilitySet, Change, UnknownCapabilityError

names = CapabilitySet(["multifd", "compress"])
assert_type(names, CapabilitySet)
assert_type(CapabilitySet.from_mask(0b11), CapabilitySet)
assert_type(names.mask, int)
assert_type(int(names), int)
assert_type(hex(names), str)
assert_type(len(names), int)
assert_type("multifd" in names, bool)
assert_type(iter(names), Iterator[str])
assert_type({names: 1}, dict[CapabilitySet, int])

assert_type(names | {"events"}, CapabilitySet)
assert_type(names & names, CapabilitySet)
assert_type(names - ["events"], CapabilitySet)
assert_type(names ^ CapabilitySet(), CapabilitySet)
assert_type((names | {"events"}).mask, int)
assert_type(names <= {"multifd"}, bool)

change = Change(on=["events"], off=names, parameters={"multifd-channels": 2})
assert_type(change.on, CapabilitySet)
assert_type(change.off, CapabilitySet)
assert_type(change.parameters, Mapping[str, object])
assert_type(change.apply(["multifd"]), CapabilitySet)
assert_type(str(change), str)
assert_type(len(change), int)

try:
    CapabilitySet(["multi-fd"])
except UnknownCapabilityError as error:
    assert_type(error.name, str)
    assert_type(error.known, tuple[str, ...])
    assert_type(error.suggestions, tuple[str, ...])
    assert_type(error.since, str | None)
    assert_type(error.until, str | None)
