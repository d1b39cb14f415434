# SPDX-License-Identifier: GPL-2.0-or-later

"""Mistakes in calls of C, each with the errors that mypy and pyright give for its line."""

# pyright: standard

from pymig._core import ffi, lib

build = ffi.new("QemuBuild *", {"release": lib.QEMU_8_0})
lib.migrate_caps_chek(build, 0, 0)  # E: attr-defined, reportAttributeAccessIssue
lib.qemu_release_name(lib.QEMU_8_3)  # E: attr-defined, reportAttributeAccessIssue
lib.qemu_build_capabilities()  # E: call-arg, reportCallIssue
lib.migration_parameter_known(build)  # E: call-arg, reportCallIssue
lib.migration_parameter_known(build, 0, 0)  # E: call-arg, reportCallIssue
lib.migration_state_free(build)  # E: arg-type, reportArgumentType
lib.migration_parameter_known(build, "multifd-channels")  # E: arg-type, reportArgumentType
lib.migration_parameter_from_name("multifd-channels")  # E: arg-type, reportArgumentType
lib.QEMU_8_0 = 1  # E: misc, reportAttributeAccessIssue
build.relaese  # E: attr-defined, reportAttributeAccessIssue
ffi.new("QemuBiuld *").release  # E: attr-defined, reportAttributeAccessIssue
ffi.strign(lib.qemu_release_name(0))  # E: attr-defined, reportAttributeAccessIssue
