# SPDX-License-Identifier: GPL-2.0-or-later

"""What libvirt's own checks look at in a domain."""

from __future__ import annotations

from _collections_abc import Iterable, Mapping

from pymig.values import READ_ONLY, Value, require_bool, wrong_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

SWITCHES = (
    "hard_limit",
    "shared_storage",
    "failed_postcopy",
    "io_error",
    "auto_destroy",
    "block_job",
    "invtsc",
    "dimm",
    "slirp",
    "virtiofs",
    "transient_disk",
    "swtpm",
)
"""The facts that hold or don't."""


class Domain(Value):
    """The facts about a domain that libvirt's own checks look at. Immutable.

    Args:
        hard_limit: it has ``<memtune><hard_limit>``, which RDMA needs.
        shared_storage: both hosts see its disks.
        failed_postcopy: its migration failed in the post-copy phase, so that it can be resumed.
        disks: the targets of all its disks, in its XML's order, each with its persistent dirty bitmaps:
            ``{"vda": ["backup-1"], "vdb": []}``; None if they are not known. None has a backing image.
        snapshots: how many snapshots it has.
        blockers: what its QEMU reports as blocked-reasons.
        io_error: it is paused for an I/O error.
        auto_destroy: it is destroyed when a connection ends.
        block_job: a block job runs.
        invtsc: it has the CPU feature invtsc and no TSC frequency, and QEMU does not report that.
        dimm: it has a DIMM without a slot or a base address.
        shmem: the name of a shmem device whose role is not master, and which QEMU does not report; "" for none.
        slirp: it has a slirp-helper that can't be migrated.
        virtiofs: it has a virtiofs device whose daemon can't be migrated; before libvirt 10.9, any.
        transient_disk: it has a transient disk.
        swtpm: its TPM's state is on shared storage, and its swtpm can't migrate that.

    The defaults are those of a plain domain that is not being migrated.

    Raises:
        TypeError, ValueError: an argument has the wrong type or value; the text names it.
    """

    __slots__ = ("blockers", "disks", "shmem", "snapshots", *SWITCHES)

    hard_limit: bool
    shared_storage: bool
    failed_postcopy: bool
    disks: Mapping[str, tuple[str, ...]] | None
    snapshots: int
    blockers: tuple[str, ...]
    io_error: bool
    auto_destroy: bool
    block_job: bool
    invtsc: bool
    dimm: bool
    shmem: str
    slirp: bool
    virtiofs: bool
    transient_disk: bool
    swtpm: bool

    def __new__(
        cls,
        *,
        hard_limit: bool = False,
        shared_storage: bool = True,
        failed_postcopy: bool = False,
        disks: Mapping[str, Iterable[str]] | None = None,
        snapshots: int = 0,
        blockers: Iterable[str] = (),
        io_error: bool = False,
        auto_destroy: bool = False,
        block_job: bool = False,
        invtsc: bool = False,
        dimm: bool = False,
        shmem: str = "",
        slirp: bool = False,
        virtiofs: bool = False,
        transient_disk: bool = False,
        swtpm: bool = False,
    ) -> Self:
        """See the class."""
        given = locals()
        self = object.__new__(cls)
        self._set(**{name: require_bool(given[name], name) for name in SWITCHES})
        self._set(disks=_disks(disks), snapshots=_count(snapshots), blockers=_texts(blockers, "blockers"))
        self._set(shmem=_text(shmem, "shmem"))
        return self

    @classmethod
    def from_xml(cls, text: str, *, snapshots: int = 0) -> Self:
        """What a domain's XML tells (``virsh dumpxml``): a hard limit, writable disks, and whether one is transient.

        Bitmaps are not in it, nor is anything else that depends on the moment.

        Raises:
            ValueError: it is no domain's XML.
        """
        from xml.etree import ElementTree  # noqa: PLC0415 - only here

        try:
            root = ElementTree.fromstring(_text(text, "text"))  # noqa: S314 - expat limits what entities may grow to
        except ElementTree.ParseError as error:
            raise ValueError(f"text is not XML: {error}") from None
        if root.tag != "domain":
            raise ValueError(f"text must be a domain's XML, not a {root.tag:.40}'s")
        disks = [
            disk
            for disk in root.iterfind("devices/disk")
            if disk.find("source") is not None and disk.find("readonly") is None
        ]
        return cls(
            hard_limit=root.find("memtune/hard_limit") is not None,
            disks={target.get("dev", ""): () for disk in disks for target in disk.iterfind("target")},
            snapshots=snapshots,
            transient_disk=any(disk.find("transient") is not None for disk in disks),
        )

    def __hash__(self) -> int:
        return hash((self.snapshots, self.blockers, *(getattr(self, name) for name in SWITCHES)))

    def __reduce__(self) -> tuple[object, ...]:
        values = {name: getattr(self, name) for name in self.__slots__}
        return (_restored, ({**values, "disks": None if self.disks is None else dict(self.disks)},))

    def __repr__(self) -> str:
        plain = Domain()
        values = {name: getattr(self, name) for name in self.__slots__}
        told = {name: value for name, value in values.items() if value != getattr(plain, name)}
        told |= {} if self.disks is None else {"disks": dict(self.disks)}
        return f"Domain({', '.join(f'{name}={value!r}' for name, value in told.items())})"


def _restored(values: dict[str, Any]) -> Domain:
    return Domain(**values)


def _text(value: object, argument: str) -> str:
    if not isinstance(value, str):
        wrong_type(value, argument, "a str")
    return value


def _texts(values: object, argument: str) -> tuple[str, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        wrong_type(values, argument, "a list of str")
    return tuple(_text(value, f"what is in {argument}") for value in values)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        wrong_type(value, "snapshots", "an int")
    if value < 0:
        raise ValueError(f"snapshots must be at least 0, not {value}")
    return value


def _disks(value: object) -> Mapping[str, tuple[str, ...]] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        wrong_type(value, "disks", "a mapping of targets to names of bitmaps")
    disks = {_text(disk, "a target in disks"): _texts(names, f"disks[{disk!r}]") for disk, names in value.items()}
    return READ_ONLY(disks)  # type: ignore[no-any-return]
