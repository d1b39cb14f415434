# SPDX-License-Identifier: GPL-2.0-or-later

# The types of the extension module. Made from csrc/pymig.h by csrc/stub.py: do not edit, run `make stub`.
# At run time the module holds ffi and lib alone; import the classes for annotations only.
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, Literal, TypeVar, overload

from typing_extensions import Buffer, Self

_T = TypeVar("_T", bound=CData)

class CData:
    def __getitem__(self, index: int, /) -> Any: ...
    def __int__(self) -> int: ...
    def __len__(self) -> int: ...

class CType(Generic[_T]): ...

class Chars(CData):
    def __getitem__(self, index: int, /) -> bytes: ...

class Numbers(CData):
    def __getitem__(self, index: int, /) -> int: ...
    def __iter__(self) -> Iterator[int]: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...

class Struct(CData):
    def __getitem__(self, index: int, /) -> Self: ...
    def __iter__(self) -> Iterator[Self]: ...
    def __setitem__(self, index: int, value: Self, /) -> None: ...

class QemuBuild(Struct):
    release: int
    probe_release: int
    live_block_migration: bool
    replication: bool
    on_linux: bool
    direct_io: bool
    compressions: int
    machine_version: int
    target_page_size: int
    capabilities_added: int
    capabilities_removed: int
    parameters_added: int
    parameters_removed: int

class QemuDownstream(Struct):
    name: Chars
    package: Chars
    build: QemuBuild

class PostcopySupport(Struct):
    ok: bool
    step: int
    error: int
    detail: int
    block_length: int
    block_page_size: int

class RamBlock(Struct):
    kind: int
    share: bool
    readonly: bool
    in_use: bool
    size: int
    page_size: int
    path: Chars

class RamBlockReport(Struct):
    map_error: int
    register_error: int
    tracked: bool
    postcopy_step: int
    file_system: int
    page_size: int

class UffdReport(Struct):
    device_error: int
    open_error: int
    api_error: int
    features: int
    ioctls: int

class UffdMethods(Struct):
    device_open_error: int
    device_new_error: int
    syscall_error: int
    syscall_user_mode_error: int
    seccomp_mode: int
    effective: int

class HostFacts(Struct):
    write_tracking: Numbers
    postcopy: PostcopySupport
    write_tracking_error: int

class HostReport(Struct):
    uffd: UffdReport
    facts: HostFacts
    page_size: int

class ProcessPlace(Struct):
    pid: int
    uid: int
    gid: int
    groups: Numbers
    n_groups: int
    no_ptrace: bool

class ProcessReport(Struct):
    host: HostReport
    methods: UffdMethods
    transports: Numbers
    missing: Numbers
    optmem_max: int
    unasked: int
    stopped: int

class GuardedProcess(Struct):
    guardian: int
    caller: int
    life: int

class MigrationRule(Struct):
    id: Chars
    message: Chars
    hint: Chars
    capabilities: int
    trigger: int
    need: int
    forbid: int
    parameters: int
    reason_follows: bool

class MigrationContext(Struct):
    build: QemuBuild
    incoming: bool
    incoming_started: bool
    kvm_dirty_ring: bool
    rdma: bool
    single_channel: bool
    compressed: bool
    tls: bool
    no_ram_tracked: bool
    target_page_size: int

class QmpValue(Struct):
    type: int
    number: int
    text: Chars
    elements: QmpValue
    members: QmpMember

class QmpMember(Struct):
    name: Chars
    value: QmpValue

class MigrationError(Struct):
    parameter: int
    wrong_type: bool
    unexpected: int
    message: Chars

class MigrationCapabilityStatus(Struct):
    capability: int
    state: bool

class MigrationSurroundings(Struct):
    post_migrate: bool
    poisoned_memory: bool
    private_memory: bool
    blocker: Chars
    incoming_failed: bool

class MigrationCommandRule(Struct):
    text: Chars
    migrate: bool
    incoming: bool
    capabilities: int

class MigrationAgreement(Struct):
    id: Chars
    stage: int
    severity: int
    end: int
    outcome: int
    guest: int
    guests: int
    recovers: int
    consequence: Chars
    remedy: Chars

class MigrationPrediction(Struct):
    outcome: int
    guest: int
    guests: int
    decisive: int
    count: int
    rows: Numbers

class MigrationSettings(Struct):
    on: int
    off: int
    has_unknown: bool
    parameters: QmpMember
    n_parameters: int
    opening: QmpMember
    n_opening: int

class MigrationPlan(Struct):
    ends: MigrationSettings
    order: int
    told: int
    around: MigrationSurroundings
    incoming_if_needed: bool

class MigrationStep(Struct):
    end: int
    command: int
    code: int
    faults: int
    guest: int
    error: MigrationError

class MigrationPreflight(Struct):
    ok: bool
    outcome: int
    guest: int
    guests: int
    transport: int
    told: int
    ends_at: int
    count: int
    steps: MigrationStep
    after: Numbers
    predicted: MigrationPrediction

class AnnounceParameters(Struct):
    initial: int
    max: int
    rounds: int
    step: int

class QemuFault(Struct):
    id: Chars
    command: Chars
    condition: Chars
    consequence: Chars
    releases: Chars
    reference: Chars
    capabilities: int

class MigrationHost(CData): ...
class MigrationChecker(CData): ...
class MigrationParameters(CData): ...
class MigrationState(CData): ...

class FFI:
    NULL: Final[Any]
    def addressof(self, c_object: _T, /) -> _T: ...
    def buffer(self, c_data: Any, /) -> Buffer: ...
    @overload
    def cast(self, c_type: CType[_T], source: object, /) -> _T: ...
    @overload
    def cast(self, c_type: str, source: object, /) -> CData: ...
    def from_buffer(self, c_type: CType[Numbers] | str, buffer: Buffer, /) -> Numbers: ...
    def gc(self, c_object: _T, destructor: Callable[[_T], object], /) -> _T: ...
    def release(self, c_object: CData, /) -> None: ...
    def string(self, text: Chars, /) -> bytes: ...
    def unpack(self, array: Numbers, length: int, /) -> list[int]: ...
    @overload
    def new(self, c_type: CType[_T], value: object = None, /) -> _T: ...
    @overload
    def new(self, c_type: Literal["char[]"], value: object = None, /) -> Chars: ...
    @overload
    def new(
        self, c_type: Literal["uint8_t[]", "uint16_t[]", "uint32_t[]", "uint64_t[]"], value: object = None, /
    ) -> Numbers: ...
    @overload
    def new(self, c_type: Literal["QemuBuild *", "QemuBuild[]"], value: object = None, /) -> QemuBuild: ...
    @overload
    def new(
        self, c_type: Literal["QemuDownstream *", "QemuDownstream[]"], value: object = None, /
    ) -> QemuDownstream: ...
    @overload
    def new(
        self, c_type: Literal["PostcopySupport *", "PostcopySupport[]"], value: object = None, /
    ) -> PostcopySupport: ...
    @overload
    def new(self, c_type: Literal["RamBlock *", "RamBlock[]"], value: object = None, /) -> RamBlock: ...
    @overload
    def new(
        self, c_type: Literal["RamBlockReport *", "RamBlockReport[]"], value: object = None, /
    ) -> RamBlockReport: ...
    @overload
    def new(self, c_type: Literal["UffdReport *", "UffdReport[]"], value: object = None, /) -> UffdReport: ...
    @overload
    def new(self, c_type: Literal["UffdMethods *", "UffdMethods[]"], value: object = None, /) -> UffdMethods: ...
    @overload
    def new(self, c_type: Literal["HostFacts *", "HostFacts[]"], value: object = None, /) -> HostFacts: ...
    @overload
    def new(self, c_type: Literal["HostReport *", "HostReport[]"], value: object = None, /) -> HostReport: ...
    @overload
    def new(self, c_type: Literal["ProcessPlace *", "ProcessPlace[]"], value: object = None, /) -> ProcessPlace: ...
    @overload
    def new(self, c_type: Literal["ProcessReport *", "ProcessReport[]"], value: object = None, /) -> ProcessReport: ...
    @overload
    def new(
        self, c_type: Literal["GuardedProcess *", "GuardedProcess[]"], value: object = None, /
    ) -> GuardedProcess: ...
    @overload
    def new(self, c_type: Literal["MigrationRule *", "MigrationRule[]"], value: object = None, /) -> MigrationRule: ...
    @overload
    def new(
        self, c_type: Literal["MigrationContext *", "MigrationContext[]"], value: object = None, /
    ) -> MigrationContext: ...
    @overload
    def new(self, c_type: Literal["QmpValue *", "QmpValue[]"], value: object = None, /) -> QmpValue: ...
    @overload
    def new(self, c_type: Literal["QmpMember *", "QmpMember[]"], value: object = None, /) -> QmpMember: ...
    @overload
    def new(
        self, c_type: Literal["MigrationError *", "MigrationError[]"], value: object = None, /
    ) -> MigrationError: ...
    @overload
    def new(
        self, c_type: Literal["MigrationCapabilityStatus *", "MigrationCapabilityStatus[]"], value: object = None, /
    ) -> MigrationCapabilityStatus: ...
    @overload
    def new(
        self, c_type: Literal["MigrationSurroundings *", "MigrationSurroundings[]"], value: object = None, /
    ) -> MigrationSurroundings: ...
    @overload
    def new(
        self, c_type: Literal["MigrationCommandRule *", "MigrationCommandRule[]"], value: object = None, /
    ) -> MigrationCommandRule: ...
    @overload
    def new(
        self, c_type: Literal["MigrationAgreement *", "MigrationAgreement[]"], value: object = None, /
    ) -> MigrationAgreement: ...
    @overload
    def new(
        self, c_type: Literal["MigrationPrediction *", "MigrationPrediction[]"], value: object = None, /
    ) -> MigrationPrediction: ...
    @overload
    def new(
        self, c_type: Literal["MigrationSettings *", "MigrationSettings[]"], value: object = None, /
    ) -> MigrationSettings: ...
    @overload
    def new(self, c_type: Literal["MigrationPlan *", "MigrationPlan[]"], value: object = None, /) -> MigrationPlan: ...
    @overload
    def new(self, c_type: Literal["MigrationStep *", "MigrationStep[]"], value: object = None, /) -> MigrationStep: ...
    @overload
    def new(
        self, c_type: Literal["MigrationPreflight *", "MigrationPreflight[]"], value: object = None, /
    ) -> MigrationPreflight: ...
    @overload
    def new(
        self, c_type: Literal["AnnounceParameters *", "AnnounceParameters[]"], value: object = None, /
    ) -> AnnounceParameters: ...
    @overload
    def new(self, c_type: Literal["QemuFault *", "QemuFault[]"], value: object = None, /) -> QemuFault: ...
    @overload
    def new(self, c_type: str, value: object = None, /) -> CData: ...
    @overload
    def typeof(self, c_type: _T, /) -> CType[_T]: ...
    @overload
    def typeof(self, c_type: Literal["char[]"], /) -> CType[Chars]: ...
    @overload
    def typeof(self, c_type: Literal["uint8_t[]", "uint16_t[]", "uint32_t[]", "uint64_t[]"], /) -> CType[Numbers]: ...
    @overload
    def typeof(self, c_type: Literal["QemuBuild *", "QemuBuild[]"], /) -> CType[QemuBuild]: ...
    @overload
    def typeof(self, c_type: Literal["QemuDownstream *", "QemuDownstream[]"], /) -> CType[QemuDownstream]: ...
    @overload
    def typeof(self, c_type: Literal["PostcopySupport *", "PostcopySupport[]"], /) -> CType[PostcopySupport]: ...
    @overload
    def typeof(self, c_type: Literal["RamBlock *", "RamBlock[]"], /) -> CType[RamBlock]: ...
    @overload
    def typeof(self, c_type: Literal["RamBlockReport *", "RamBlockReport[]"], /) -> CType[RamBlockReport]: ...
    @overload
    def typeof(self, c_type: Literal["UffdReport *", "UffdReport[]"], /) -> CType[UffdReport]: ...
    @overload
    def typeof(self, c_type: Literal["UffdMethods *", "UffdMethods[]"], /) -> CType[UffdMethods]: ...
    @overload
    def typeof(self, c_type: Literal["HostFacts *", "HostFacts[]"], /) -> CType[HostFacts]: ...
    @overload
    def typeof(self, c_type: Literal["HostReport *", "HostReport[]"], /) -> CType[HostReport]: ...
    @overload
    def typeof(self, c_type: Literal["ProcessPlace *", "ProcessPlace[]"], /) -> CType[ProcessPlace]: ...
    @overload
    def typeof(self, c_type: Literal["ProcessReport *", "ProcessReport[]"], /) -> CType[ProcessReport]: ...
    @overload
    def typeof(self, c_type: Literal["GuardedProcess *", "GuardedProcess[]"], /) -> CType[GuardedProcess]: ...
    @overload
    def typeof(self, c_type: Literal["MigrationRule *", "MigrationRule[]"], /) -> CType[MigrationRule]: ...
    @overload
    def typeof(self, c_type: Literal["MigrationContext *", "MigrationContext[]"], /) -> CType[MigrationContext]: ...
    @overload
    def typeof(self, c_type: Literal["QmpValue *", "QmpValue[]"], /) -> CType[QmpValue]: ...
    @overload
    def typeof(self, c_type: Literal["QmpMember *", "QmpMember[]"], /) -> CType[QmpMember]: ...
    @overload
    def typeof(self, c_type: Literal["MigrationError *", "MigrationError[]"], /) -> CType[MigrationError]: ...
    @overload
    def typeof(
        self, c_type: Literal["MigrationCapabilityStatus *", "MigrationCapabilityStatus[]"], /
    ) -> CType[MigrationCapabilityStatus]: ...
    @overload
    def typeof(
        self, c_type: Literal["MigrationSurroundings *", "MigrationSurroundings[]"], /
    ) -> CType[MigrationSurroundings]: ...
    @overload
    def typeof(
        self, c_type: Literal["MigrationCommandRule *", "MigrationCommandRule[]"], /
    ) -> CType[MigrationCommandRule]: ...
    @overload
    def typeof(
        self, c_type: Literal["MigrationAgreement *", "MigrationAgreement[]"], /
    ) -> CType[MigrationAgreement]: ...
    @overload
    def typeof(
        self, c_type: Literal["MigrationPrediction *", "MigrationPrediction[]"], /
    ) -> CType[MigrationPrediction]: ...
    @overload
    def typeof(self, c_type: Literal["MigrationSettings *", "MigrationSettings[]"], /) -> CType[MigrationSettings]: ...
    @overload
    def typeof(self, c_type: Literal["MigrationPlan *", "MigrationPlan[]"], /) -> CType[MigrationPlan]: ...
    @overload
    def typeof(self, c_type: Literal["MigrationStep *", "MigrationStep[]"], /) -> CType[MigrationStep]: ...
    @overload
    def typeof(
        self, c_type: Literal["MigrationPreflight *", "MigrationPreflight[]"], /
    ) -> CType[MigrationPreflight]: ...
    @overload
    def typeof(
        self, c_type: Literal["AnnounceParameters *", "AnnounceParameters[]"], /
    ) -> CType[AnnounceParameters]: ...
    @overload
    def typeof(self, c_type: Literal["QemuFault *", "QemuFault[]"], /) -> CType[QemuFault]: ...
    @overload
    def typeof(self, c_type: str, /) -> CType[CData]: ...

class Lib:
    MIGRATION_CAPABILITY_XBZRLE: Final[int]
    MIGRATION_CAPABILITY_RDMA_PIN_ALL: Final[int]
    MIGRATION_CAPABILITY_AUTO_CONVERGE: Final[int]
    MIGRATION_CAPABILITY_ZERO_BLOCKS: Final[int]
    MIGRATION_CAPABILITY_COMPRESS: Final[int]
    MIGRATION_CAPABILITY_EVENTS: Final[int]
    MIGRATION_CAPABILITY_POSTCOPY_RAM: Final[int]
    MIGRATION_CAPABILITY_X_COLO: Final[int]
    MIGRATION_CAPABILITY_RELEASE_RAM: Final[int]
    MIGRATION_CAPABILITY_BLOCK: Final[int]
    MIGRATION_CAPABILITY_RETURN_PATH: Final[int]
    MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER: Final[int]
    MIGRATION_CAPABILITY_MULTIFD: Final[int]
    MIGRATION_CAPABILITY_DIRTY_BITMAPS: Final[int]
    MIGRATION_CAPABILITY_POSTCOPY_BLOCKTIME: Final[int]
    MIGRATION_CAPABILITY_LATE_BLOCK_ACTIVATE: Final[int]
    MIGRATION_CAPABILITY_X_IGNORE_SHARED: Final[int]
    MIGRATION_CAPABILITY_VALIDATE_UUID: Final[int]
    MIGRATION_CAPABILITY_BACKGROUND_SNAPSHOT: Final[int]
    MIGRATION_CAPABILITY_ZERO_COPY_SEND: Final[int]
    MIGRATION_CAPABILITY_POSTCOPY_PREEMPT: Final[int]
    MIGRATION_CAPABILITY_SWITCHOVER_ACK: Final[int]
    MIGRATION_CAPABILITY_DIRTY_LIMIT: Final[int]
    MIGRATION_CAPABILITY_MAPPED_RAM: Final[int]
    MIGRATION_CAPABILITY__MAX: Final[int]
    QEMU_7_2: Final[int]
    QEMU_7_2_7: Final[int]
    QEMU_8_0: Final[int]
    QEMU_8_0_50: Final[int]
    QEMU_8_1: Final[int]
    QEMU_8_1_2: Final[int]
    QEMU_8_2: Final[int]
    QEMU_8_2_2: Final[int]
    QEMU_9_0: Final[int]
    QEMU_9_1: Final[int]
    QEMU_9_2: Final[int]
    QEMU_9_2_1: Final[int]
    QEMU_9_2_4: Final[int]
    QEMU_10_0: Final[int]
    QEMU_10_0_1: Final[int]
    QEMU_10_1: Final[int]
    QEMU_10_2: Final[int]
    QEMU_10_2_50: Final[int]
    QEMU_11_0: Final[int]
    QEMU_11_0_3: Final[int]
    QEMU_11_1: Final[int]
    QEMU_RELEASE__MAX: Final[int]
    QEMU_FIRST_DEVELOPMENT_MICRO: Final[int]
    QEMU_DEFAULT_TARGET_PAGE_SIZE: Final[int]
    WRITE_TRACKING_UNKNOWN: Final[int]
    WRITE_TRACKING_ABSENT: Final[int]
    WRITE_TRACKING_AVAILABLE: Final[int]
    WRITE_TRACKING_COMPATIBLE: Final[int]
    POSTCOPY_STEP_NONE: Final[int]
    POSTCOPY_STEP_TARGET_PAGE_SIZE: Final[int]
    POSTCOPY_STEP_OPEN: Final[int]
    POSTCOPY_STEP_DEVICES: Final[int]
    POSTCOPY_STEP_QUERY_FEATURES: Final[int]
    POSTCOPY_STEP_REQUEST_FEATURES: Final[int]
    POSTCOPY_STEP_API_IOCTLS: Final[int]
    POSTCOPY_STEP_HUGE_PAGES: Final[int]
    POSTCOPY_STEP_BLOCK_LENGTH: Final[int]
    POSTCOPY_STEP_FILE_SYSTEM: Final[int]
    POSTCOPY_STEP_MUNLOCKALL: Final[int]
    POSTCOPY_STEP_MAP: Final[int]
    POSTCOPY_STEP_REGISTER: Final[int]
    POSTCOPY_STEP_UNREGISTER: Final[int]
    POSTCOPY_STEP_RANGE_IOCTLS: Final[int]
    POSTCOPY_STEP_MEMORY: Final[int]
    PYMIG_ERROR_UNKNOWN: Final[int]
    PYMIG_ERROR_KILLED: Final[int]
    RAM_BLOCK_ANONYMOUS: Final[int]
    RAM_BLOCK_MEMFD: Final[int]
    RAM_BLOCK_FILE: Final[int]
    RAM_FILE_SYSTEM_NONE: Final[int]
    RAM_FILE_SYSTEM_OTHER: Final[int]
    RAM_FILE_SYSTEM_TMPFS: Final[int]
    RAM_FILE_SYSTEM_HUGETLBFS: Final[int]
    PROBE_REFERENCE: Final[int]
    PROBE_8_0: Final[int]
    PROBE_7_2: Final[int]
    PROBE_VARIANT__MAX: Final[int]
    SCOPE_ALL_BLOCKS: Final[int]
    SCOPE_WITHOUT_SHARED: Final[int]
    SCOPE_WITHOUT_SHARED_FILES: Final[int]
    WRITE_TRACKING_SCOPE__MAX: Final[int]
    TRANSPORT_ZERO_COPY: Final[int]
    TRANSPORT_RDMA: Final[int]
    TRANSPORT__MAX: Final[int]
    PROCESS_CGROUP: Final[int]
    PROCESS_MOUNT_NAMESPACE: Final[int]
    PROCESS_PID_NAMESPACE: Final[int]
    PROCESS_USER_NAMESPACE: Final[int]
    PROCESS_ROOT: Final[int]
    PROCESS_LIMITS: Final[int]
    PROCESS_GROUPS: Final[int]
    PROCESS_USER: Final[int]
    PROCESS_CAPABILITIES: Final[int]
    PROCESS_SECCOMP: Final[int]
    PROCESS_LABEL: Final[int]
    PROCESS_ARCHITECTURE: Final[int]
    PROCESS_TRAIT__MAX: Final[int]
    GUARDED_PROCESS_DESCRIPTORS: Final[int]
    MIGRATION_ACCEPTED: Final[int]
    MIGRATION_BLOCK_NOT_BUILT: Final[int]
    MIGRATION_COLO_NOT_BUILT: Final[int]
    MIGRATION_POSTCOPY_HOST: Final[int]
    MIGRATION_POSTCOPY_IGNORE_SHARED: Final[int]
    MIGRATION_SNAPSHOT_KERNEL: Final[int]
    MIGRATION_SNAPSHOT_MEMORY: Final[int]
    MIGRATION_SNAPSHOT_POSTCOPY_RAM: Final[int]
    MIGRATION_SNAPSHOT_DIRTY_BITMAPS: Final[int]
    MIGRATION_SNAPSHOT_POSTCOPY_BLOCKTIME: Final[int]
    MIGRATION_SNAPSHOT_LATE_BLOCK_ACTIVATE: Final[int]
    MIGRATION_SNAPSHOT_RETURN_PATH: Final[int]
    MIGRATION_SNAPSHOT_MULTIFD: Final[int]
    MIGRATION_SNAPSHOT_PAUSE_BEFORE_SWITCHOVER: Final[int]
    MIGRATION_SNAPSHOT_AUTO_CONVERGE: Final[int]
    MIGRATION_SNAPSHOT_RELEASE_RAM: Final[int]
    MIGRATION_SNAPSHOT_RDMA_PIN_ALL: Final[int]
    MIGRATION_SNAPSHOT_COMPRESS: Final[int]
    MIGRATION_SNAPSHOT_XBZRLE: Final[int]
    MIGRATION_SNAPSHOT_X_COLO: Final[int]
    MIGRATION_SNAPSHOT_VALIDATE_UUID: Final[int]
    MIGRATION_SNAPSHOT_ZERO_COPY_SEND: Final[int]
    MIGRATION_ZERO_COPY_PLAIN_MULTIFD: Final[int]
    MIGRATION_ZERO_COPY_LINUX: Final[int]
    MIGRATION_PREEMPT_POSTCOPY_RAM: Final[int]
    MIGRATION_PREEMPT_COMPRESS: Final[int]
    MIGRATION_MULTIFD_COMPRESS: Final[int]
    MIGRATION_POSTCOPY_MULTIFD: Final[int]
    MIGRATION_MULTIFD_SINGLE_CHANNEL: Final[int]
    MIGRATION_PREEMPT_INCOMING_STARTED: Final[int]
    MIGRATION_MULTIFD_INCOMING_STARTED: Final[int]
    MIGRATION_SWITCHOVER_ACK_RETURN_PATH: Final[int]
    MIGRATION_DIRTY_LIMIT_AUTO_CONVERGE: Final[int]
    MIGRATION_DIRTY_LIMIT_KVM: Final[int]
    MIGRATION_MULTIFD_XBZRLE: Final[int]
    MIGRATION_COMPRESS_XBZRLE: Final[int]
    MIGRATION_MAPPED_RAM_XBZRLE: Final[int]
    MIGRATION_MAPPED_RAM_COMPRESS: Final[int]
    MIGRATION_MAPPED_RAM_POSTCOPY_RAM: Final[int]
    MIGRATION_RDMA_XBZRLE: Final[int]
    MIGRATION_RDMA_MULTIFD: Final[int]
    MIGRATION_RDMA_POSTCOPY_RAM: Final[int]
    MIGRATION_COLO_RETURN_PATH: Final[int]
    MIGRATION_VERDICT__MAX: Final[int]
    MIGRATION_UNKNOWN_CAPABILITY: Final[int]
    MIGRATION_CODES: Final[int]
    MIGRATION_ROW: Final[int]
    MIGRATION_UNDECIDED: Final[int]
    MIGRATION_PARAMETER_ANNOUNCE_INITIAL: Final[int]
    MIGRATION_PARAMETER_ANNOUNCE_MAX: Final[int]
    MIGRATION_PARAMETER_ANNOUNCE_ROUNDS: Final[int]
    MIGRATION_PARAMETER_ANNOUNCE_STEP: Final[int]
    MIGRATION_PARAMETER_COMPRESS_LEVEL: Final[int]
    MIGRATION_PARAMETER_COMPRESS_THREADS: Final[int]
    MIGRATION_PARAMETER_COMPRESS_WAIT_THREAD: Final[int]
    MIGRATION_PARAMETER_DECOMPRESS_THREADS: Final[int]
    MIGRATION_PARAMETER_THROTTLE_TRIGGER_THRESHOLD: Final[int]
    MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL: Final[int]
    MIGRATION_PARAMETER_CPU_THROTTLE_INCREMENT: Final[int]
    MIGRATION_PARAMETER_CPU_THROTTLE_TAILSLOW: Final[int]
    MIGRATION_PARAMETER_TLS_CREDS: Final[int]
    MIGRATION_PARAMETER_TLS_HOSTNAME: Final[int]
    MIGRATION_PARAMETER_TLS_AUTHZ: Final[int]
    MIGRATION_PARAMETER_MAX_BANDWIDTH: Final[int]
    MIGRATION_PARAMETER_AVAIL_SWITCHOVER_BANDWIDTH: Final[int]
    MIGRATION_PARAMETER_DOWNTIME_LIMIT: Final[int]
    MIGRATION_PARAMETER_X_CHECKPOINT_DELAY: Final[int]
    MIGRATION_PARAMETER_BLOCK_INCREMENTAL: Final[int]
    MIGRATION_PARAMETER_MULTIFD_CHANNELS: Final[int]
    MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE: Final[int]
    MIGRATION_PARAMETER_MAX_POSTCOPY_BANDWIDTH: Final[int]
    MIGRATION_PARAMETER_MAX_CPU_THROTTLE: Final[int]
    MIGRATION_PARAMETER_MULTIFD_COMPRESSION: Final[int]
    MIGRATION_PARAMETER_MULTIFD_ZLIB_LEVEL: Final[int]
    MIGRATION_PARAMETER_MULTIFD_QATZIP_LEVEL: Final[int]
    MIGRATION_PARAMETER_MULTIFD_ZSTD_LEVEL: Final[int]
    MIGRATION_PARAMETER_BLOCK_BITMAP_MAPPING: Final[int]
    MIGRATION_PARAMETER_X_VCPU_DIRTY_LIMIT_PERIOD: Final[int]
    MIGRATION_PARAMETER_VCPU_DIRTY_LIMIT: Final[int]
    MIGRATION_PARAMETER_MODE: Final[int]
    MIGRATION_PARAMETER_ZERO_PAGE_DETECTION: Final[int]
    MIGRATION_PARAMETER_DIRECT_IO: Final[int]
    MIGRATION_PARAMETER_X_RDMA_CHUNK_SIZE: Final[int]
    MIGRATION_PARAMETER_CPR_EXEC_COMMAND: Final[int]
    MIGRATION_PARAMETER__MAX: Final[int]
    MULTIFD_COMPRESSION_NONE: Final[int]
    MULTIFD_COMPRESSION_ZLIB: Final[int]
    MULTIFD_COMPRESSION_ZSTD: Final[int]
    MULTIFD_COMPRESSION_QATZIP: Final[int]
    MULTIFD_COMPRESSION_QPL: Final[int]
    MULTIFD_COMPRESSION_UADK: Final[int]
    MULTIFD_COMPRESSION__MAX: Final[int]
    MIG_MODE_NORMAL: Final[int]
    MIG_MODE_CPR_REBOOT: Final[int]
    MIG_MODE_CPR_TRANSFER: Final[int]
    MIG_MODE_CPR_EXEC: Final[int]
    MIG_MODE__MAX: Final[int]
    ZERO_PAGE_DETECTION_NONE: Final[int]
    ZERO_PAGE_DETECTION_LEGACY: Final[int]
    ZERO_PAGE_DETECTION_MULTIFD: Final[int]
    ZERO_PAGE_DETECTION__MAX: Final[int]
    PARAMETER_UINT8: Final[int]
    PARAMETER_UINT32: Final[int]
    PARAMETER_UINT64: Final[int]
    PARAMETER_BOOL: Final[int]
    PARAMETER_STRING: Final[int]
    PARAMETER_ENUM: Final[int]
    PARAMETER_STRINGS: Final[int]
    PARAMETER_BITMAPS: Final[int]
    QMP_NULL: Final[int]
    QMP_BOOL: Final[int]
    QMP_INT: Final[int]
    QMP_NUMBER: Final[int]
    QMP_STRING: Final[int]
    QMP_ARRAY: Final[int]
    QMP_OBJECT: Final[int]
    QMP_OTHER: Final[int]
    MIGRATION_STATUS_NONE: Final[int]
    MIGRATION_STATUS_SETUP: Final[int]
    MIGRATION_STATUS_CANCELLING: Final[int]
    MIGRATION_STATUS_CANCELLED: Final[int]
    MIGRATION_STATUS_ACTIVE: Final[int]
    MIGRATION_STATUS_POSTCOPY_ACTIVE: Final[int]
    MIGRATION_STATUS_POSTCOPY_PAUSED: Final[int]
    MIGRATION_STATUS_POSTCOPY_RECOVER: Final[int]
    MIGRATION_STATUS_COMPLETED: Final[int]
    MIGRATION_STATUS_FAILED: Final[int]
    MIGRATION_STATUS_COLO: Final[int]
    MIGRATION_STATUS_PRE_SWITCHOVER: Final[int]
    MIGRATION_STATUS_DEVICE: Final[int]
    MIGRATION_STATUS_WAIT_UNPLUG: Final[int]
    MIGRATION_STATUS_POSTCOPY_RECOVER_SETUP: Final[int]
    MIGRATION_STATUS_POSTCOPY_DEVICE: Final[int]
    MIGRATION_STATUS_FAILING: Final[int]
    MIGRATION_STATUS__MAX: Final[int]
    MIGRATION_TRANSPORT_TCP: Final[int]
    MIGRATION_TRANSPORT_UNIX: Final[int]
    MIGRATION_TRANSPORT_VSOCK: Final[int]
    MIGRATION_TRANSPORT_FD: Final[int]
    MIGRATION_TRANSPORT_EXEC: Final[int]
    MIGRATION_TRANSPORT_FILE: Final[int]
    MIGRATION_TRANSPORT_RDMA: Final[int]
    MIGRATION_TRANSPORT__MAX: Final[int]
    MIGRATION_END_SOURCE: Final[int]
    MIGRATION_END_DESTINATION: Final[int]
    MIGRATION_COMPLETES: Final[int]
    MIGRATION_FAILS: Final[int]
    MIGRATION_HANGS: Final[int]
    MIGRATION_WAITS: Final[int]
    MIGRATION_REFUSED: Final[int]
    GUEST_SOURCE: Final[int]
    GUEST_DESTINATION: Final[int]
    GUEST_NOWHERE: Final[int]
    GUEST_BOTH: Final[int]
    MIGRATION_STAGE_SET: Final[int]
    MIGRATION_STAGE_INCOMING: Final[int]
    MIGRATION_STAGE_MIGRATE: Final[int]
    MIGRATION_STAGE_CONNECT: Final[int]
    MIGRATION_STAGE_HEADER: Final[int]
    MIGRATION_STAGE_ADVISE: Final[int]
    MIGRATION_STAGE_RAM: Final[int]
    MIGRATION_STAGE_SWITCHOVER: Final[int]
    MIGRATION_STAGE_DEVICES: Final[int]
    MIGRATION_STAGE_POSTCOPY: Final[int]
    MIGRATION_STAGE__MAX: Final[int]
    MIGRATION_ERROR: Final[int]
    MIGRATION_WARNING: Final[int]
    MIGRATION_INFO: Final[int]
    PAIR_POSTCOPY: Final[int]
    PAIR_ONE_WAY: Final[int]
    PAIR_READS_LATER: Final[int]
    PAIR_SOURCE_PAUSED: Final[int]
    PAIR_DESTINATION_PAUSED: Final[int]
    PAIR_SOURCE_CREDS_MISSING: Final[int]
    PAIR_SOURCE_CREDS_OF_SERVER: Final[int]
    PAIR_DESTINATION_CREDS_MISSING: Final[int]
    PAIR_DESTINATION_CREDS_OF_CLIENT: Final[int]
    PAIR_CREDS_ANONYMOUS: Final[int]
    PAIR_CREDS_KEY_FOR_X509: Final[int]
    PAIR_CREDS_DIFFER: Final[int]
    PAIR_HOSTNAME_MISSING: Final[int]
    PAIR_HOSTNAME_DIFFERS: Final[int]
    PAIR_AUTHZ_MISSING: Final[int]
    PAIR_UUID_DIFFERS: Final[int]
    PAIR_SET_UUID_DIFFERS: Final[int]
    PAIR_MACHINE_DIFFERS: Final[int]
    PAIR_BLOCK_MISSING: Final[int]
    PAIR_BLOCK_SIZE_DIFFERS: Final[int]
    PAIR_BLOCK_PAGE_SIZE_DIFFERS: Final[int]
    PAIR_SHARED_AT_SOURCE_ONLY: Final[int]
    PAIR_SHARED_AT_DESTINATION_ONLY: Final[int]
    PAIR_SHARED_WITHOUT_FILE: Final[int]
    PAIR_SHARED_DISK_FILE: Final[int]
    PAIR_DEVICE_MISSING: Final[int]
    PAIR_CPUS_MORE_AT_SOURCE: Final[int]
    PAIR_CPUS_MORE_AT_DESTINATION: Final[int]
    PAIR_CPU_MODEL_DIFFERS: Final[int]
    PAIR_BITMAP_EXISTS: Final[int]
    PAIR_BITMAP_LOST: Final[int]
    PAIR_FACT__MAX: Final[int]
    MIGRATION_NAME_SOURCE_MACHINE: Final[int]
    MIGRATION_NAME_DESTINATION_MACHINE: Final[int]
    MIGRATION_NAME_SOURCE_UUID: Final[int]
    MIGRATION_NAME_DESTINATION_UUID: Final[int]
    MIGRATION_NAME_BLOCK: Final[int]
    MIGRATION_NAME_SOURCE_SIZE: Final[int]
    MIGRATION_NAME_DESTINATION_SIZE: Final[int]
    MIGRATION_NAME_SOURCE_PAGE_SIZES: Final[int]
    MIGRATION_NAME_DESTINATION_PAGE_SIZES: Final[int]
    MIGRATION_NAME_SECTION: Final[int]
    MIGRATION_NAME_BITMAP: Final[int]
    MIGRATION_NAME_NODE: Final[int]
    MIGRATION_NAME_SOURCE_TLS_CREDS: Final[int]
    MIGRATION_NAME_DESTINATION_TLS_CREDS: Final[int]
    MIGRATION_NAME_DESTINATION_TLS_AUTHZ: Final[int]
    MIGRATION_NAME_HOSTNAME: Final[int]
    MIGRATION_NAME_SOURCE_FLAGS: Final[int]
    MIGRATION_NAME_DESTINATION_FLAGS: Final[int]
    MIGRATION_NAME__MAX: Final[int]
    MIGRATION_MOST_ROWS: Final[int]
    MIGRATION_SET_CAPABILITIES: Final[int]
    MIGRATION_SET_PARAMETERS: Final[int]
    MIGRATION_MIGRATE: Final[int]
    MIGRATION_INCOMING: Final[int]
    MIGRATION_SOURCE_FIRST: Final[int]
    MIGRATION_DESTINATION_FIRST: Final[int]
    MIGRATION_INCOMING_FIRST: Final[int]
    MIGRATION_ORDER__MAX: Final[int]
    def pymig_version(self) -> Chars: ...
    def pymig_version_number(self) -> int: ...
    def migration_capability_name(self, capability: int, /) -> Chars: ...
    def migration_capability_from_name(self, name: Chars | bytes, /) -> int: ...
    def qemu_release_name(self, release: int, /) -> Chars: ...
    def qemu_release_of_version(self, major: int, minor: int, micro: int, /) -> int: ...
    def qemu_downstream(self, number: int, /) -> QemuDownstream: ...
    def qemu_target_name(self, number: int, /) -> Chars: ...
    def qemu_target_page_size(self, release: int, target: Chars | bytes, machine: Chars | bytes, /) -> int: ...
    def qemu_machine_version(self, machine: Chars | bytes, /) -> int: ...
    def qemu_build_capabilities(self, build: QemuBuild, /) -> int: ...
    def qemu_build_listed(self, build: QemuBuild, /) -> int: ...
    def qemu_build_unstable(self, build: QemuBuild, /) -> int: ...
    def qemu_build_deprecated(self, build: QemuBuild, /) -> int: ...
    def host_error_is_inconclusive(self, error: int, /) -> bool: ...
    def qemu_release_probe_variant(self, release: int, /) -> int: ...
    def qemu_release_scope(self, release: int, /) -> int: ...
    def ram_write_tracking_available(self) -> bool: ...
    def ram_write_tracking_compatible(self, blocks: RamBlock, count: int, ignore_shared: bool, /) -> bool: ...
    def postcopy_ram_supported_by_host(
        self, blocks: RamBlock, count: int, target_page_size: int, /
    ) -> PostcopySupport: ...
    def postcopy_support_message(self, support: PostcopySupport, release: int, text: Chars, size: int, /) -> int: ...
    def host_probe(
        self, blocks: RamBlock, count: int, target_page_size: int, reports: RamBlockReport, /
    ) -> HostReport: ...
    def uffd_probe_methods(self) -> UffdMethods: ...
    def host_transport_error(self, transport: int, /) -> int: ...
    def process_trait_name(self, trait: int, /) -> Chars: ...
    def host_probe_process(
        self,
        place: ProcessPlace,
        blocks: RamBlock,
        count: int,
        target_page_size: int,
        report: ProcessReport,
        reports: RamBlockReport,
        /,
    ) -> int: ...
    def process_cgroup(self, pid: int, controller: Chars | bytes, path: Chars, size: int, /) -> int: ...
    def process_effective_capabilities(self) -> int: ...
    def process_seccomp_mode(self) -> int: ...
    def uffd_feature_name(self, bit: int, /) -> Chars: ...
    def uffd_ioctl_name(self, bit: int, /) -> Chars: ...
    def migration_host_local(self, blocks: RamBlock, count: int, target_page_size: int, host: CData, /) -> int: ...
    def migration_host_stated(self, facts: HostFacts, page_size: int, host: CData, /) -> int: ...
    def migration_host_free(self, host: MigrationHost, /) -> None: ...
    def migration_host_refresh(self, host: MigrationHost, /) -> None: ...
    def migration_host_write_tracking(self, host: MigrationHost, variant: int, scope: int, /) -> int: ...
    def migration_host_postcopy(self, host: MigrationHost, variant: int, /) -> PostcopySupport: ...
    def migration_host_error(self, host: MigrationHost, /) -> int: ...
    def guarded_process_start(
        self, arguments: CData, descriptors: Numbers | Sequence[int], count: int, process: GuardedProcess, /
    ) -> int: ...
    def guarded_process_end(self, process: GuardedProcess, /) -> None: ...
    def migration_checker_new(self, context: MigrationContext, host: MigrationHost, checker: CData, /) -> int: ...
    def migration_checker_free(self, checker: MigrationChecker, /) -> None: ...
    def migration_checker_postcopy(self, checker: MigrationChecker, /) -> PostcopySupport: ...
    def migration_checker_message(self, checker: MigrationChecker, code: int, text: Chars, size: int, /) -> int: ...
    def migrate_caps_check(self, checker: MigrationChecker, old_set: int, new_set: int, /) -> int: ...
    def migrate_caps_check_set(self, checker: MigrationChecker, set_: int, /) -> int: ...
    def migrate_caps_explain(self, checker: MigrationChecker, old_set: int, new_set: int, codes: Numbers, /) -> int: ...
    def migrate_caps_check_many32(
        self, checker: MigrationChecker, old_set: int, new_sets: Numbers | Sequence[int], count: int, codes: Numbers, /
    ) -> int: ...
    def migrate_caps_check_many64(
        self, checker: MigrationChecker, old_set: int, new_sets: Numbers | Sequence[int], count: int, codes: Numbers, /
    ) -> int: ...
    def migrate_caps_histogram32(
        self, checker: MigrationChecker, old_set: int, new_sets: Numbers | Sequence[int], count: int, counts: Numbers, /
    ) -> int: ...
    def migrate_caps_histogram64(
        self, checker: MigrationChecker, old_set: int, new_sets: Numbers | Sequence[int], count: int, counts: Numbers, /
    ) -> int: ...
    def migrate_caps_table(
        self, checker: MigrationChecker, left_out: int, row_of: Numbers, rows: Numbers, cells: Numbers, /
    ) -> int: ...
    def migrate_caps_warnings(self, checker: MigrationChecker, new_set: int, code: int, /) -> int: ...
    def migration_warning(self, number: int, /) -> Chars: ...
    def migration_rule(self, build: QemuBuild, code: int, rule: MigrationRule, /) -> int: ...
    def qmp_first_unvisited(
        self, members: QmpMember, count: int, visited: Numbers | Sequence[int], n_visited: int, /
    ) -> int: ...
    def migration_error_clear(self, error: MigrationError, /) -> None: ...
    def migration_parameter_name(self, parameter: int, /) -> Chars: ...
    def migration_parameter_from_name(self, name: Chars | bytes, /) -> int: ...
    def migration_parameter_type(self, parameter: int, /) -> int: ...
    def migration_parameter_known(self, build: QemuBuild, parameter: int, /) -> bool: ...
    def migration_parameter_deprecated(self, build: QemuBuild, parameter: int, /) -> bool: ...
    def migration_parameter_unstable(self, build: QemuBuild, parameter: int, /) -> bool: ...
    def migration_parameter_ignored(self, build: QemuBuild, parameter: int, /) -> bool: ...
    def migration_parameter_warning(self, build: QemuBuild, parameter: int, /) -> Chars: ...
    def migration_parameter_value_name(self, parameter: int, value: int, /) -> Chars: ...
    def migration_parameter_value_known(self, build: QemuBuild, parameter: int, value: int, /) -> bool: ...
    def migration_context_apply(
        self, context: MigrationContext, members: QmpMember, count: int, error: MigrationError, /
    ) -> int: ...
    def migration_parameters_free(self, parameters: MigrationParameters, /) -> None: ...
    def migration_parameters_get(
        self, parameters: MigrationParameters, parameter: int, member: QmpMember, /
    ) -> int: ...
    def migration_status_name(self, status: int, /) -> Chars: ...
    def migration_status_from_name(self, name: Chars | bytes, /) -> int: ...
    def migration_status_known(self, build: QemuBuild, status: int, /) -> bool: ...
    def migration_active_message(self) -> Chars: ...
    def migration_state_new(self, context: MigrationContext, host: MigrationHost, state: CData, /) -> int: ...
    def migration_state_free(self, state: MigrationState, /) -> None: ...
    def migration_state_message(self, state: MigrationState, code: int, text: Chars, size: int, /) -> int: ...
    def migration_status(self, state: MigrationState, /) -> int: ...
    def migrate_set_status(self, state: MigrationState, status: int, /) -> int: ...
    def migration_capabilities(self, state: MigrationState, /) -> int: ...
    def migrate_cap_set(self, state: MigrationState, capability: int, value: bool, /) -> int: ...
    def qmp_migrate_set_capabilities(
        self, state: MigrationState, list_: MigrationCapabilityStatus, count: int, /
    ) -> int: ...
    def migrate_change_capabilities(self, state: MigrationState, on: int, off: int, /) -> int: ...
    def migration_state_load(self, state: MigrationState, capabilities: int, /) -> int: ...
    def qmp_query_migrate_capabilities(self, state: MigrationState, list_: MigrationCapabilityStatus, /) -> int: ...
    def qmp_migrate_set_parameters(
        self, state: MigrationState, members: QmpMember, count: int, error: MigrationError, /
    ) -> int: ...
    def migrate_try_parameters(
        self, state: MigrationState, members: QmpMember, count: int, error: MigrationError, /
    ) -> int: ...
    def migrate_parameters_faults(self, state: MigrationState, members: QmpMember, count: int, /) -> int: ...
    def qmp_query_migrate_parameters(self, state: MigrationState, /) -> MigrationParameters: ...
    def migration_transport_name(self, transport: int, /) -> Chars: ...
    def migration_transport_of_uri(self, build: QemuBuild, uri: Chars | bytes, /) -> int: ...
    def qmp_migrate(
        self,
        state: MigrationState,
        members: QmpMember,
        count: int,
        around: MigrationSurroundings,
        error: MigrationError,
        /,
    ) -> int: ...
    def migrate_try(
        self,
        state: MigrationState,
        members: QmpMember,
        count: int,
        around: MigrationSurroundings,
        faults: Numbers,
        error: MigrationError,
        /,
    ) -> int: ...
    def qmp_migrate_incoming(
        self, state: MigrationState, members: QmpMember, count: int, error: MigrationError, /
    ) -> int: ...
    def migrate_try_incoming(
        self, state: MigrationState, members: QmpMember, count: int, faults: Numbers, error: MigrationError, /
    ) -> int: ...
    def migration_command_rule(self, number: int, release: int, rule: MigrationCommandRule, /) -> int: ...
    def migration_capability_ends(self, capability: int, /) -> int: ...
    def migration_parameter_ends(self, parameter: int, /) -> int: ...
    def migration_agreement(self, row: int, /) -> MigrationAgreement: ...
    def migration_agreement_words(self, row: int, release: int, /) -> Chars: ...
    def migration_agreement_name(self, name: int, /) -> Chars: ...
    def migration_agree(
        self,
        source: MigrationState,
        destination: MigrationState,
        transport: int,
        told: int,
        prediction: MigrationPrediction,
        /,
    ) -> int: ...
    def migration_preflight(
        self, source: MigrationState, destination: MigrationState, plan: MigrationPlan, out: MigrationPreflight, /
    ) -> int: ...
    def migration_preflight_clear(self, preflight: MigrationPreflight, /) -> None: ...
    def migrate_auto_converge(self, state: MigrationState, /) -> bool: ...
    def migrate_background_snapshot(self, state: MigrationState, /) -> bool: ...
    def migrate_block(self, state: MigrationState, /) -> bool: ...
    def migrate_colo(self, state: MigrationState, /) -> bool: ...
    def migrate_compress(self, state: MigrationState, /) -> bool: ...
    def migrate_dirty_bitmaps(self, state: MigrationState, /) -> bool: ...
    def migrate_dirty_limit(self, state: MigrationState, /) -> bool: ...
    def migrate_events(self, state: MigrationState, /) -> bool: ...
    def migrate_ignore_shared(self, state: MigrationState, /) -> bool: ...
    def migrate_late_block_activate(self, state: MigrationState, /) -> bool: ...
    def migrate_mapped_ram(self, state: MigrationState, /) -> bool: ...
    def migrate_multifd(self, state: MigrationState, /) -> bool: ...
    def migrate_pause_before_switchover(self, state: MigrationState, /) -> bool: ...
    def migrate_postcopy_blocktime(self, state: MigrationState, /) -> bool: ...
    def migrate_postcopy_preempt(self, state: MigrationState, /) -> bool: ...
    def migrate_postcopy_ram(self, state: MigrationState, /) -> bool: ...
    def migrate_rdma_pin_all(self, state: MigrationState, /) -> bool: ...
    def migrate_release_ram(self, state: MigrationState, /) -> bool: ...
    def migrate_return_path(self, state: MigrationState, /) -> bool: ...
    def migrate_switchover_ack(self, state: MigrationState, /) -> bool: ...
    def migrate_validate_uuid(self, state: MigrationState, /) -> bool: ...
    def migrate_xbzrle(self, state: MigrationState, /) -> bool: ...
    def migrate_zero_blocks(self, state: MigrationState, /) -> bool: ...
    def migrate_zero_copy_send(self, state: MigrationState, /) -> bool: ...
    def migrate_block_incremental(self, state: MigrationState, /) -> bool: ...
    def migrate_checkpoint_delay(self, state: MigrationState, /) -> int: ...
    def migrate_compress_level(self, state: MigrationState, /) -> int: ...
    def migrate_compress_threads(self, state: MigrationState, /) -> int: ...
    def migrate_compress_wait_thread(self, state: MigrationState, /) -> int: ...
    def migrate_decompress_threads(self, state: MigrationState, /) -> int: ...
    def migrate_max_cpu_throttle(self, state: MigrationState, /) -> int: ...
    def migrate_max_postcopy_bandwidth(self, state: MigrationState, /) -> int: ...
    def migrate_multifd_channels(self, state: MigrationState, /) -> int: ...
    def migrate_multifd_compression(self, state: MigrationState, /) -> int: ...
    def migrate_multifd_zlib_level(self, state: MigrationState, /) -> int: ...
    def migrate_multifd_zstd_level(self, state: MigrationState, /) -> int: ...
    def migrate_throttle_trigger_threshold(self, state: MigrationState, /) -> int: ...
    def migrate_xbzrle_cache_size(self, state: MigrationState, /) -> int: ...
    def migrate_announce_params(self, state: MigrationState, /) -> AnnounceParameters: ...
    def migrate_use_tls(self, state: MigrationState, /) -> bool: ...
    def migrate_tls(self, state: MigrationState, /) -> bool: ...
    def migrate_postcopy(self, state: MigrationState, /) -> bool: ...
    def migrate_cpu_throttle_increment(self, state: MigrationState, /) -> int: ...
    def migrate_cpu_throttle_initial(self, state: MigrationState, /) -> int: ...
    def migrate_cpu_throttle_tailslow(self, state: MigrationState, /) -> bool: ...
    def migrate_downtime_limit(self, state: MigrationState, /) -> int: ...
    def migrate_max_bandwidth(self, state: MigrationState, /) -> int: ...
    def migrate_avail_switchover_bandwidth(self, state: MigrationState, /) -> int: ...
    def migrate_mode(self, state: MigrationState, /) -> int: ...
    def migrate_zero_page_detection(self, state: MigrationState, /) -> int: ...
    def migrate_vcpu_dirty_limit_period(self, state: MigrationState, /) -> int: ...
    def migrate_direct_io(self, state: MigrationState, /) -> bool: ...
    def migrate_multifd_qatzip_level(self, state: MigrationState, /) -> int: ...
    def migrate_tls_authz(self, state: MigrationState, /) -> Chars: ...
    def migrate_tls_creds(self, state: MigrationState, /) -> Chars: ...
    def migrate_tls_hostname(self, state: MigrationState, /) -> Chars: ...
    def migrate_has_block_bitmap_mapping(self, state: MigrationState, /) -> bool: ...
    def migrate_block_bitmap_mapping(self, state: MigrationState, /) -> QmpValue: ...
    def migrate_rdma(self, state: MigrationState, /) -> bool: ...
    def migrate_multifd_flush_after_each_section(self, state: MigrationState, /) -> bool: ...
    def migrate_send_switchover_start(self, state: MigrationState, /) -> bool: ...
    def migrate_can_snapshot(self, state: MigrationState, /) -> bool: ...
    def migration_snapshot_message(self) -> Chars: ...
    def migration_text_free(self, text: Chars, /) -> None: ...
    def qmp_value_free(self, value: QmpValue, /) -> None: ...
    def migration_accessor_name(self, number: int, /) -> Chars: ...
    def migration_accessor_known(self, build: QemuBuild, name: Chars | bytes, /) -> bool: ...
    def migration_accessor_signed(self, build: QemuBuild, name: Chars | bytes, /) -> bool: ...
    def qemu_fault(self, number: int, /) -> QemuFault: ...
    def qemu_build_faults(self, build: QemuBuild, /) -> int: ...

ffi: FFI
lib: Lib
