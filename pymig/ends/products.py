# SPDX-License-Identifier: GPL-2.0-or-later

"""What products set for a live migration: their settings, and what becomes of them."""

from __future__ import annotations

from typing import NamedTuple

from pymig.libvirt.flags import BITS, Flags
from pymig.release import POINTS
from pymig.values import READ_ONLY, Value, escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from typing_extensions import Self

    from pymig.qemu.build import QemuBuild

    Version: TypeAlias = tuple[int, ...]
    Wanted: TypeAlias = Flags | list[str] | dict[str, Any]

FIRST: Version = (0,)
NEVER: Version = (999,)
MIB = 1 << 20
KIB = 1 << 10


class Setting(NamedTuple):
    """A setting of a product.

    Attributes:
        name: in the product's spelling.
        default: its default; its type is the setting's.
        means: what it does, as a clause.
        file: where the product reads it; "" for the preset's file.
    """

    name: str
    default: object
    means: str
    file: str = ""


class Row(NamedTuple):
    """What a product passes to libvirt.

    Attributes:
        setting: the setting that must be on; "" for always.
        flags: flags, without ``VIR_MIGRATE_``.
        parameters: typed parameters; a value ``"$name"`` is that of the setting.
        unless: settings that must be off.
        since: the first version of the product.
        until: the first version without it.
        least: the least number with which the setting is on.
    """

    setting: str
    flags: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = READ_ONLY({})
    unless: tuple[str, ...] = ()
    since: Version = FIRST
    until: Version = NEVER
    least: int = 1


class Preset(Value):
    """A product's way to migrate. Immutable.

    Attributes:
        name: such as ``"nova"``.
        settings: ``{name: default}``, in the product's spelling.
        meanings: ``{name: what it does}``.
        sources: ``{name: (file, date)}``: where the product reads the setting, and the date of the version that was
            read.
    """

    __slots__ = ("_make", "_refuses", "meanings", "name", "settings", "sources")

    name: str
    settings: Mapping[str, object]
    meanings: Mapping[str, str]
    sources: Mapping[str, tuple[str, str]]
    _make: Callable[[dict[str, Any], Version, dict[str, QemuBuild]], Wanted]
    _refuses: Callable[[dict[str, Any], Version, QemuBuild], str]

    def __new__(
        cls, name: str, file: str, date: str, settings: tuple[Setting, ...], make: object, refuses: object = None
    ) -> Self:
        """See the class."""
        self = object.__new__(cls)
        self._set(
            name=name,
            settings=READ_ONLY({one.name: one.default for one in settings}),
            meanings=READ_ONLY({one.name: one.means for one in settings}),
            sources=READ_ONLY({one.name: (one.file or file, date) for one in settings}),
            _make=make,
            _refuses=refuses or (lambda *_: ""),
        )
        return self

    def refusals(
        self,
        *,
        version: str | None = None,
        source: QemuBuild | str | None = None,
        destination: QemuBuild | str | None = None,
        **settings: object,
    ) -> Mapping[str, str]:
        """What the product itself says at an end, by ``"source"`` and ``"destination"``, if it does not start there.

        Arguments and errors as those of Plan.from_preset.
        """
        from pymig.qemu.build import QemuBuild, require_build  # noqa: PLC0415 - only here

        builds = {"source": source, "destination": destination}
        given, numbers = self._given(settings), _version(version)
        said = {
            end: self._refuses(given, numbers, require_build(build or QemuBuild.newest(), end))
            for end, build in builds.items()
        }
        return {end: text for end, text in said.items() if text}

    def _given(self, settings: Mapping[str, object]) -> dict[str, Any]:
        """All settings, in the product's spelling."""
        names = {_plainly(known): known for known in self.settings}
        given = dict(self.settings)
        for setting, value in settings.items():
            known = names.get(_plainly(setting))
            if known is None:
                raise ValueError(
                    f"{self.name} has no setting {escaped(setting):.40}; it has {', '.join(self.settings)}"
                )
            given[known] = _converted(known, value, self.settings[known])
        return given

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dict for JSON."""
        return {
            setting: {
                "default": default,
                "means": self.meanings[setting],
                "file": self.sources[setting][0],
                "date": self.sources[setting][1],
            }
            for setting, default in self.settings.items()
        }

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[object, ...]:
        return (preset_named, (self.name,))


def passes(*rows: Row) -> Callable[[dict[str, Any], Version, object], Flags]:
    """A product that passes flags and typed parameters to libvirt."""

    def make(given: dict[str, Any], version: Version, _: object) -> Flags:
        number, parameters = 0, {}
        for row in rows:
            on = not row.setting or _is_on(given[row.setting], row.least)
            if on and row.since <= version < row.until and not any(_is_on(given[name]) for name in row.unless):
                number |= sum(BITS[flag] for flag in row.flags)
                parameters.update({field: _valued(given, value) for field, value in row.parameters.items()})
        return Flags(number, parameters)

    return make


def _is_on(value: Any, least: int = 1) -> bool:
    return value >= least if type(value) is int else bool(value)


def _valued(given: dict[str, Any], value: object) -> object:
    return given[value[1:]] if isinstance(value, str) and value.startswith("$") else value


PAUSED = Setting("paused", False, "the guest is paused")

NOVA_PARALLEL: Version = (33,)
POSTCOPY_WITH_MULTIFD = POINTS.index("10.1.0")
NOVA = (
    Setting("live_migration_permit_post_copy", False, "post copy is enabled", "nova/virt/libvirt/driver.py"),
    Setting("live_migration_permit_auto_converge", False, "auto converge, if post copy is off"),
    Setting("live_migration_parallel_connections", 1, "parallel migration, from 33.0.0 on"),
    Setting("live_migration_with_native_tls", False, "TLS"),
    Setting("live_migration_tunnelled", False, "through libvirt's connection; deprecated"),
    Setting("live_migration_bandwidth", 0, "MiB/s; 0 for no limit", "nova/virt/libvirt/guest.py"),
    Setting("block_migration", False, "disks are copied"),
    PAUSED,
)
NOVA_ROWS = passes(
    Row("", ("LIVE", "PEER2PEER", "UNDEFINE_SOURCE", "PERSIST_DEST")),
    Row("block_migration", ("NON_SHARED_INC",)),
    Row("live_migration_permit_post_copy", ("POSTCOPY",), unless=("paused",)),
    Row("live_migration_permit_auto_converge", ("AUTO_CONVERGE",), unless=("live_migration_permit_post_copy",)),
    Row(
        "live_migration_parallel_connections",
        ("PARALLEL",),
        {"parallel.connections": "$live_migration_parallel_connections"},
        since=NOVA_PARALLEL,
        least=2,
    ),
    Row("live_migration_with_native_tls", ("TLS",)),
    Row("live_migration_tunnelled", ("TUNNELLED",)),
    Row("live_migration_bandwidth", (), {"bandwidth": "$live_migration_bandwidth"}),
)


def _nova_refuses(given: dict[str, Any], version: Version, build: QemuBuild) -> str:
    """Nova compares the version of QEMU alone, so it refuses one with the feature backported, too."""
    both = given["live_migration_permit_post_copy"] and given["live_migration_parallel_connections"] > 1
    if not both or version < NOVA_PARALLEL or build._c.release >= POSTCOPY_WITH_MULTIFD:
        return ""
    return "Nova requires QEMU version 10.1.0 or greater to use live migration parallel connections with post-copy."


CPUS = "pkg/virt-handler/migration-source.go"
KUBEVIRT = (
    Setting("allowPostCopy", False, "post copy; without parallel migration before 1.9"),
    Setting("allowAutoConverge", False, "auto converge"),
    Setting("parallel", 8, "connections", CPUS),
    Setting("bandwidthPerMigration", "0Mi", "bytes per second, such as 64Mi; 0Mi for no limit"),
    Setting("unsafeMigrationOverride", False, "migrates although libvirt calls it unsafe"),
    Setting("compression", "", "zstd, after 1.9"),
    Setting("cpuLimit", False, "the guest has a CPU limit: no parallel migration", CPUS),
    Setting("dedicatedCpuPlacement", False, "the guest has CPUs of its own: no parallel migration, from 1.9 on", CPUS),
    Setting("vfio", False, "the guest has VFIO devices: no post copy, from 1.9 on"),
    Setting("blockMigration", False, "disks are copied"),
    PAUSED,
)
KUBEVIRT_PARALLEL: Any = {"parallel.connections": "$parallel"}
KUBEVIRT_ROWS = passes(
    Row(
        "",
        ("LIVE", "PEER2PEER", "PERSIST_DEST"),
        {"migrate_uri": "unix:///var/run/kubevirt/migrationproxy/source.sock"},
    ),
    Row("parallel", ("PARALLEL",), KUBEVIRT_PARALLEL, unless=("cpuLimit", "allowPostCopy"), until=(1, 9)),
    Row("parallel", ("PARALLEL",), KUBEVIRT_PARALLEL, unless=("cpuLimit", "dedicatedCpuPlacement"), since=(1, 9)),
    Row("paused", ("PAUSED",)),
    Row(
        "blockMigration",
        ("NON_SHARED_INC",),
        {"migrate_disks": ["vda"], "migrate_disks_detect_zeroes": ["vda"]},
    ),
    Row("allowPostCopy", ("POSTCOPY",), until=(1, 9)),
    Row("allowPostCopy", ("POSTCOPY",), unless=("vfio",), since=(1, 9)),
    Row("allowAutoConverge", ("AUTO_CONVERGE",)),
    Row("unsafeMigrationOverride", ("UNSAFE",)),
    Row("compression", ("COMPRESSED",), {"compression": "$compression"}, since=(1, 10)),
)


def _kubevirt(given: dict[str, Any], version: Version, builds: object) -> Flags:
    flags = KUBEVIRT_ROWS(given, version, builds)
    mebibytes = _mebibytes(given["bandwidthPerMigration"])
    return Flags(flags.number, {**flags.parameters, **({"bandwidth": mebibytes} if mebibytes else {})})


QUANTITIES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 10**3, "M": 10**6, "G": 10**9, "": 1}


def _mebibytes(quantity: str) -> int:
    """A quantity of Kubernetes in MiB."""
    number = quantity.rstrip("KMGki")
    unit = quantity[len(number) :]
    if not (number.isascii() and number.isdecimal() and len(number) < 20 and unit in QUANTITIES):  # noqa: PLR2004
        raise ValueError(f"bandwidthPerMigration must be a quantity such as 64Mi, not {escaped(quantity):.40}")
    return int(number) * QUANTITIES[unit] // MIB


OVIRT = (
    Setting("postcopy", False, "the policy ends with post copy"),
    Setting("parallel", 0, "connections"),
    Setting("zerocopy", False, "zero copy, with parallel migration"),
    Setting("compressed", False, "xbzrle; libvirt refuses it with parallel migration from 9.4 on"),
    Setting("autoConverge", False, "auto converge"),
    Setting("encrypted", False, "TLS"),
    Setting("abortOnError", False, "I/O errors abort it"),
    Setting("migration_max_bandwidth", 52, "MiB/s", "lib/vdsm/common/config.py.in"),
)
OVIRT_ROWS = passes(
    Row("", ("LIVE", "PEER2PEER", "PERSIST_DEST")),
    Row("postcopy", ("POSTCOPY",)),
    Row("parallel", ("PARALLEL",), {"parallel.connections": "$parallel"}),
    Row("zerocopy", ("ZEROCOPY", "PARALLEL")),
    Row("compressed", ("COMPRESSED",)),
    Row("autoConverge", ("AUTO_CONVERGE",)),
    Row("encrypted", ("TLS",), {"tls.destination": "destination"}),
    Row("abortOnError", ("ABORT_ON_ERROR",)),
    Row("migration_max_bandwidth", (), {"bandwidth": "$migration_max_bandwidth"}),
)

CLOUDSTACK = (
    Setting("kvm.auto.convergence", False, "auto converge"),
    Setting("vm.migrate.speed", 0, "MiB/s; 0 for that of the network card"),
    Setting("storage", False, "disks are copied"),
)
CLOUDSTACK_ROWS = passes(
    Row("", ("LIVE", "COMPRESSED"), {"migrate_uri": "tcp:destination"}),
    Row("kvm.auto.convergence", ("AUTO_CONVERGE",)),
    Row("vm.migrate.speed", (), {"bandwidth": "$vm.migrate.speed"}),
    Row("storage", ("NON_SHARED_INC",)),
)

OPENNEBULA = (
    Setting("MIGRATE_OPTIONS", "", "further options of virsh migrate", "src/vmm_mad/remotes/kvm/kvmrc"),
    Setting("MIGRATE_AUTO_CONVERGE", "", "initial and increment in percent, such as 30,10"),
    Setting("MIGRATE_COMPRESSED", False, "xbzrle"),
    Setting("local_storage", False, "disks are copied, and the guest is resumed afterwards"),
)


def _opennebula(given: dict[str, Any], *_: object) -> list[str]:
    from pymig.libvirt.words import split  # noqa: PLC0415 - only here

    words = ["migrate", "--live", *split(given["MIGRATE_OPTIONS"])]
    if given["MIGRATE_AUTO_CONVERGE"]:
        initial, _comma, increment = given["MIGRATE_AUTO_CONVERGE"].partition(",")
        words += ["--auto-converge", "--auto-converge-initial", initial]
        words += ["--auto-converge-increment", increment] if increment else []
    words += ["--compressed"] if given["MIGRATE_COMPRESSED"] else []
    return words + (["--suspend", "--copy-storage-all", "--migrate-disks", "vda"] if given["local_storage"] else [])


PROXMOX = (
    Setting("migrate_speed", 0, "MiB/s; 0 for no limit"),
    Setting("bwlimit", 0, "KiB/s, of the datacenter; 0 for no limit"),
    Setting("migrate_downtime", 0.1, "seconds"),
    Setting("memory", 512, "the guest's memory in MiB"),
    Setting("pbs-dirty-bitmap-migration", False, "Proxmox' QEMU can migrate the backup's bitmaps"),
)
PROXMOX_ON = ("auto-converge", "xbzrle")
PROXMOX_UNLIMITED = 16 << 30


def _proxmox(given: dict[str, Any], _: Version, builds: dict[str, QemuBuild]) -> dict[str, Any]:
    """Asks which capabilities there are, and names each. The destination gets them when it listens already."""
    on = (*PROXMOX_ON, *(("dirty-bitmaps",) if given["pbs-dirty-bitmap-migration"] else ()))
    limits = [limit for limit in (given["migrate_speed"] * MIB, given["bwlimit"] * KIB) if limit]
    parameters = {
        "max-bandwidth": min(limits, default=PROXMOX_UNLIMITED),
        "downtime-limit": int(given["migrate_downtime"] * 1000),
        "xbzrle-cache-size": 1 << (max(given["memory"] * MIB // 10, 2) - 1).bit_length(),
    }
    named = {end: {name: name in on for name in build.listed} for end, build in builds.items()}
    return {
        "source": {"capabilities": named["source"], "parameters": parameters},
        "destination": {"capabilities": named["destination"]},
        "uri": "tcp:destination:60000",
        "order": "incoming-first",
    }


SHARED = Setting("shared_storage", False, "both hosts see the disks")
THROTTLE = {"cpu-throttle-initial": 50, "throttle-trigger-threshold": 20}


def _incus(given: dict[str, Any], version: Version, _: object) -> dict[str, Any]:
    switchover = (
        ["pause-before-switchover", "events"] if version >= (7, 1) else ["pause-before-switchover", "zero-blocks"]
    )
    shared = version < (7, 1) and given["shared_storage"]
    return _at_source(["auto-converge", *([] if shared else switchover)], THROTTLE)


def _lxd(given: dict[str, Any], *_: object) -> dict[str, Any]:
    return _at_source(
        ["auto-converge", *([] if given["shared_storage"] else ["pause-before-switchover", "zero-blocks"])], {}
    )


def _at_source(names: list[str], parameters: Mapping[str, object]) -> dict[str, Any]:
    return {
        "source": {"capabilities": names, "parameters": parameters},
        "destination": {},
        "uri": "fd:migration",
        "continues": True,
    }


GANETI = (
    Setting("migration_caps", "", "capabilities, with colons between them"),
    Setting("migration_bandwidth", 32, "MiB/s"),
    Setting("migration_downtime", 30, "ms"),
)


def _ganeti(given: dict[str, Any], *_: object) -> dict[str, Any]:
    """The destination gets the capabilities when it listens already."""
    names = [name for name in given["migration_caps"].split(":") if name]
    bandwidth = given["migration_bandwidth"] * MIB
    parameters = {
        "max-bandwidth": bandwidth,
        "downtime-limit": given["migration_downtime"],
        **({"max-postcopy-bandwidth": bandwidth} if "postcopy-ram" in names else {}),
    }
    return {
        "source": {"capabilities": names, "parameters": parameters},
        "destination": {"capabilities": names},
        "uri": "tcp:destination:8102",
        "postcopy": "postcopy-ram" in names,
        "order": "incoming-first",
    }


_PRESETS = (
    Preset("nova", "nova/conf/libvirt.py", "2026-08-21", NOVA, NOVA_ROWS, _nova_refuses),
    Preset("kubevirt", "pkg/virt-launcher/virtwrap/live-migration-source.go", "2026-08-22", KUBEVIRT, _kubevirt),
    Preset(
        "harvester",
        "deploy/charts/harvester/dependency_charts/kubevirt/values.yaml",
        "2026-08-21",
        tuple(setting._replace(file="") for setting in KUBEVIRT),
        _kubevirt,
    ),
    Preset("ovirt", "lib/vdsm/virt/migration.py", "2026-06-25", OVIRT, OVIRT_ROWS),
    Preset(
        "cloudstack",
        "plugins/hypervisors/kvm/src/main/java/com/cloud/hypervisor/kvm/resource/MigrateKVMAsync.java",
        "4.18 or 4.19",
        CLOUDSTACK,
        CLOUDSTACK_ROWS,
    ),
    Preset("opennebula", "src/vmm_mad/remotes/kvm/migrate", "2026-08-20", OPENNEBULA, _opennebula),
    Preset("proxmox", "src/PVE/QemuMigrate.pm", "2026-08-17", PROXMOX, _proxmox),
    Preset("incus", "internal/server/instance/drivers/driver_qemu.go", "2026-08-22", (SHARED,), _incus),
    Preset("lxd", "lxd/instance/drivers/driver_qemu.go", "2026-08-22", (SHARED,), _lxd),
    Preset("ganeti", "lib/hypervisor/hv_kvm/monitor.py", "2026-04-30", GANETI, _ganeti),
)

PRESETS: Mapping[str, Preset] = READ_ONLY({preset.name: preset for preset in _PRESETS})
"""The presets by name."""


def preset_named(name: object) -> Preset:
    """The preset. Raises ValueError, which names the known ones."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset {escaped(str(name)):.40}; there are {', '.join(PRESETS)}")
    return PRESETS[name]  # type: ignore[index]


def wanted(name: object, version: object, settings: Mapping[str, object], builds: dict[str, QemuBuild]) -> Wanted:
    """What the product wants: Flags or virsh's words for libvirt, or the arguments of a Plan.

    Raises:
        ValueError, TypeError: no such preset, version or setting; the text names it.
    """
    preset = preset_named(name)
    return preset._make(preset._given(settings), _version(version), builds)


def _plainly(name: str) -> str:
    """A name without what Python, YAML and configuration files spell differently: a_b, a-b, a.b, aB."""
    return "".join(letter for letter in name if letter.isalnum()).lower()


def _version(version: object) -> Version:
    """The numbers of a product's version; the newest for None."""
    if version is None:
        return (NEVER[0] - 1,)
    parts = version.removeprefix("v").split(".") if isinstance(version, str) else [""]
    if not all(part.isascii() and part.isdecimal() and len(part) < 6 for part in parts):  # noqa: PLR2004
        raise ValueError(f"version must be numbers with dots, such as 1.9, not {version!r:.40}")
    return tuple(map(int, parts))


SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _converted(name: str, value: object, default: object) -> object:
    """The value as the default's type; texts are taken as from a configuration file."""
    kind = type(default)
    if isinstance(value, str) and kind is bool and value.lower() in SWITCHES:
        return SWITCHES[value.lower()]
    if isinstance(value, str) and kind in (int, float):
        try:
            value = int(value) if kind is int else float(value)
        except ValueError:
            raise ValueError(f"{name} must be a number, not {escaped(str(value)):.40}") from None
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        if kind in (int, float) and not 0 <= value < 1 << 40:  # type: ignore[operator]
            raise ValueError(f"{name} must be a number from 0 to {(1 << 40) - 1}, not {value}")
        return value
    if kind is float and type(value) is int:
        return _converted(name, float(value), default)
    words = {bool: "true or false", int: "an int", float: "a number", str: "a str"}
    raise TypeError(f"{name} must be {words[kind]}, not {value!r:.40}")
