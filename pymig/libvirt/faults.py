# SPDX-License-Identifier: GPL-2.0-or-later

"""Versions of libvirt that accept a command and then fail."""

from __future__ import annotations

from typing import NamedTuple

from pymig.libvirt.predict import asked
from pymig.libvirt.refusals import FUTURE, STORAGE
from pymig.libvirt.version import OLDEST
from pymig.release import POINTS
from pymig.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from typing_extensions import Self

    from pymig.libvirt.domain import Domain
    from pymig.libvirt.flags import Flags
    from pymig.libvirt.predict import Migration
    from pymig.libvirt.version import Version
    from pymig.qemu.build import QemuBuild


class KnownLibvirtFault(Value):
    """A version of libvirt that accepts a command and then fails. Immutable.

    Attributes:
        rule: a stable identifier, such as ``"libvirt/restore-fd"``.
        severity: ``"error"`` if it always fails, ``"warning"`` if it may.
        end: the end whose libvirt fails.
        message: what it says; "" if it says nothing, or not always the same.
        consequence: what happens, as a clause.
        remedy: what to change.
        reference: where it is reported.
    """

    __slots__ = ("consequence", "end", "message", "reference", "remedy", "rule", "severity")

    rule: str
    severity: str
    end: str
    message: str
    consequence: str
    remedy: str
    reference: str

    def __new__(
        cls, rule: str, severity: str, end: str, message: str, consequence: str, remedy: str, reference: str
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(rule=rule, severity=severity, end=end, message=message)
        self._set(consequence=consequence, remedy=remedy, reference=reference)
        return self


class Fault(NamedTuple):
    """A row of the table: a fault, and when it is met."""

    fault: KnownLibvirtFault
    applies: Callable[[str, dict[str, Any], Migration], bool]
    since: Version
    until: Version

    @property
    def versions(self) -> str:
        """The affected versions, in words."""
        words = [f"from {_dotted(self.since)}"] if self.since > OLDEST else []
        return " ".join([*words, *([f"before {_dotted(self.until)}"] if self.until < FUTURE else [])]) or "all"


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


NEWEST_CPU_MODELS = POINTS.index("10.0.0")
NO_FD_TO_FILE = POINTS.index("11.1.0") if "11.1.0" in POINTS else len(POINTS)


def _tunnels_tls(command: str, _: object, migration: Migration) -> bool:
    flags = migration.flags
    return command == "migrate" and flags.has("TUNNELLED") and flags.has("TLS")


def _copies_over_tls(command: str, _: object, migration: Migration) -> bool:
    """QEMU opens the stream itself, so libvirt gives it no host name, also not for the disks, which it opens before."""
    flags = migration.flags
    copies = flags.has("TLS") and flags.has(*STORAGE) and "tls.destination" not in flags.parameters
    return command == "migrate" and copies and migration.qemu_connects


def _has_other_vmx(version: Version) -> bool:
    """Whether this version has its own idea of which vmx-* features a guest has."""
    return (9, 10) <= version < VMX_MENDED


def _saves_in_order(command: str, given: dict[str, Any], migration: Migration) -> bool:
    """An ordinary image is written, which this QEMU does not read from a descriptor."""
    is_saved = command in {"save", "managedsave"} and given.get("image-format") != "sparse"
    return is_saved and migration.builds["source"]._c.release >= NO_FD_TO_FILE


VMX_MENDED: Version = (10, 2)
FD_TO_FILE = "fd: migration to a file is not supported. Use file: instead."
TUNNELLED_TLS = "use --tls without --tunnelled"

FAULTS = (
    Fault(
        KnownLibvirtFault(
            "libvirt/tunnelled-tls-json",
            "error",
            "source",
            "internal error: failed to convert virJSONValue to yajl data",
            "the migration fails, mostly before the source sets anything: libvirt takes a number for the host name",
            TUNNELLED_TLS,
            "seen with 9.0.0",
        ),
        _tunnels_tls,
        OLDEST,
        (10, 0),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/tunnelled-tls-daemon-ends",
            "error",
            "source",
            "",
            "the source's libvirt daemon ends; the guest lives on",
            TUNNELLED_TLS,
            "seen with 11.3.0",
        ),
        _tunnels_tls,
        (10, 0),
        (12, 0),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/tunnelled-tls-handshake",
            "error",
            "source",
            "TLS handshake failed: Error in the pull function.: Unable to read from file: Bad file descriptor",
            "the migration fails; the guest stays on the source",
            TUNNELLED_TLS,
            "seen with 12.8.0",
        ),
        _tunnels_tls,
        (12, 0),
        FUTURE,
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/copy-tls-hostname",
            "error",
            "source",
            "internal error: unable to execute QEMU command 'blockdev-add': Certificate does not match the hostname",
            "the disks can't be copied, so that the migration fails",
            "name the host with --tls-destination, or use libvirt 10.3 or newer at the source",
            "seen with 9.0.0; libvirt's NEWS of 10.3",
        ),
        _copies_over_tls,
        OLDEST,
        (10, 3),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/tls-crash",
            "warning",
            "source",
            "",
            "a migration that takes long may crash in GnuTLS",
            "use libvirt 11.6 or newer, and set migrate_tls_priority in its qemu.conf",
            "libvirt's NEWS of 11.6",
        ),
        lambda command, _, migration: command == "migrate" and migration.flags.has("TLS"),
        OLDEST,
        (11, 6),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/postcopy-resume-crash",
            "warning",
            "destination",
            "",
            "the destination's libvirt daemon crashes when a failed post-copy migration is resumed",
            "use libvirt 11.4 or newer at the destination",
            "libvirt's NEWS of 11.4",
        ),
        lambda command, _, migration: command == "migrate" and migration.flags.has("POSTCOPY"),
        (11, 2),
        (11, 4),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/extra-feature-ht",
            "warning",
            "destination",
            "guest CPU doesn't match specification: extra features: ht",
            "the destination may refuse to start the guest",
            "use libvirt 11.10 or newer at the destination",
            "harvester#11615; libvirt's NEWS of 11.10",
        ),
        lambda command, _, migration: (
            command == "migrate"
            and migration.builds["destination"]._c.release >= NEWEST_CPU_MODELS > migration.builds["source"]._c.release
        ),
        OLDEST,
        (11, 10),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/vmx-features",
            "warning",
            "destination",
            "",
            "the destination may refuse a guest with vmx-* CPU features, which 9.10, 10.0 and 10.1 count otherwise",
            "use libvirt 10.2 or newer at the destination",
            "libvirt's NEWS of 10.2",
        ),
        lambda command, _, migration: (
            command == "migrate"
            and _has_other_vmx(migration.versions["source"]) is not _has_other_vmx(migration.versions["destination"])
        ),
        OLDEST,
        VMX_MENDED,
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/save-fd",
            "warning",
            "source",
            FD_TO_FILE,
            "virsh restore, and start after managedsave, can't read this image with this QEMU",
            "use libvirt 12.1 or newer, or save with --image-format sparse",
            "seen with 11.3.0 and QEMU 11.1.3; libvirt's NEWS of 12.1",
        ),
        _saves_in_order,
        OLDEST,
        (12, 1),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/internal-snapshot-revert",
            "warning",
            "source",
            "",
            "virsh snapshot-revert may fail to go back to an internal snapshot",
            "use libvirt 11.4 or newer, or make an external snapshot",
            "libvirt's NEWS of 11.4",
        ),
        lambda command, given, _: (
            command == "snapshot-create-as" and not given.keys() & {"memspec", "disk-only", "print-xml"}
        ),
        (11, 2),
        (11, 4),
    ),
    Fault(
        KnownLibvirtFault(
            "libvirt/restore-fd",
            "error",
            "source",
            FD_TO_FILE,
            "an ordinary image can't be restored with this QEMU",
            "use libvirt 12.1 or newer, or save with --image-format sparse",
            "seen with 11.3.0 and QEMU 11.1.3; libvirt's NEWS of 12.1",
        ),
        lambda command, given, migration: (
            command == "restore"
            and "parallel-channels" not in given
            and migration.builds["source"]._c.release >= NO_FD_TO_FILE
        ),
        OLDEST,
        (12, 1),
    ),
)
"""In the order in which they are met. The version that counts is that of the end."""


def known_faults(
    options: str | Sequence[str] | Flags,
    *,
    libvirt: str,
    source: QemuBuild | str,
    destination: QemuBuild | str,
    destination_libvirt: str | None = None,
    domain: Domain | None = None,
) -> tuple[KnownLibvirtFault, ...]:
    """The known faults of these versions of libvirt that this command meets, or may meet. Arguments as ``requests``."""
    command, given, migration = asked(
        options, libvirt, source, destination, destination_libvirt=destination_libvirt, domain=domain
    )
    return tuple(
        row.fault
        for row in FAULTS
        if row.since <= migration.versions[row.fault.end] < row.until and row.applies(command, given, migration)
    )
