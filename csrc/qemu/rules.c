/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qemu/rules.h"

#include <errno.h>

#include "qemu/capability.h"
#include "qemu/release.h"

/* The properties of a context that rules look at. */
enum {
    WHEN_NO_LIVE_BLOCK_MIGRATION = 1 << 0,
    WHEN_NO_REPLICATION = 1 << 1,
    WHEN_INCOMING = 1 << 2,
    WHEN_LINUX = 1 << 3,
    WHEN_NOT_LINUX = 1 << 4,
    WHEN_COMPRESSED_OR_TLS = 1 << 5,
    WHEN_INCOMING_STARTED = 1 << 6,
    WHEN_NO_DIRTY_RING = 1 << 7,
    WHEN_RDMA = 1 << 8,
    WHEN_SINGLE_CHANNEL = 1 << 9,
    WHEN_RAM_TRACKED = 1 << 10, /* write tracking covers at least one block */
    WHEN_REPLICATION = 1 << 11,
};

/* The parameters that WHEN_COMPRESSED_OR_TLS depends on. */
#define COMPRESSION_AND_TLS                                                                                            \
    ((uint64_t)1 << MIGRATION_PARAMETER_MULTIFD_COMPRESSION | (uint64_t)1 << MIGRATION_PARAMETER_TLS_CREDS)

/* One rule. A rule with neither `need` nor `forbid` always refuses its trigger. A rule about a capability that a
 * release lacks can't apply there, and needs no ReleaseSet for that. */
typedef struct RuleRow {
    MigrationRule text;
    int code;
    ReleaseSet releases;   /* 0: always */
    int when;              /* applies only in a context with all of these */
    int refused_when;      /* in a context with any of these, always refuses its trigger */
    CapabilitySet trigger; /* applies only if this one is on */
    bool switched_on;      /* applies only if the trigger was off before */
    CapabilitySet need;    /* refuses if one of these is off */
    CapabilitySet forbid;  /* refuses if one of these is on */
    HostQuestion question; /* refuses if the host says no */
} RuleRow;

/* clang-format off */
#define RULE(code_, id_, message_) .code = MIGRATION_##code_, .text.id = id_, .text.message = message_

#define SNAPSHOT_CONFLICT(name_, capability_)                                                                          \
    {                                                                                                                  \
        RULE(SNAPSHOT_##capability_, "background-snapshot/" name_,                                                     \
             "Background-snapshot is not compatible with " name_),                                                     \
        .trigger = CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(capability_)                                                \
    }

#define PREEMPT_TOO_LATE "Postcopy preempt must be set before incoming starts"
#define MULTIFD_TOO_LATE "Multifd must be set before incoming starts"

/* Once incoming has started, some releases refuse only capabilities that are newly switched on, others all that are on.
 */
#define LOOKS_AT_WHAT_IS_NEW (FROM(9_2_4) & ~ONLY(10_0))
#define LOOKS_AT_ALL (FROM(8_1) & ~LOOKS_AT_WHAT_IS_NEW)

/* In QEMU's order. */
static const RuleRow rules[] = {
    {RULE(BLOCK_NOT_BUILT, "block/not-built",
          "QEMU compiled without old-style (blk/-b, inc/-i) block migration"),
     .text.hint = "Use drive_mirror+NBD instead.", .releases = BEFORE(8_2),
     .when = WHEN_NO_LIVE_BLOCK_MIGRATION, .trigger = CAP(BLOCK)},
    {RULE(BLOCK_NOT_BUILT, "block/not-built",
          "QEMU compiled without old-style (blk/-b, inc/-i) block migration"),
     .text.hint = "Use blockdev-mirror with NBD instead.", .releases = FROM(8_2),
     .when = WHEN_NO_LIVE_BLOCK_MIGRATION, .trigger = CAP(BLOCK)},
    {RULE(COLO_NOT_BUILT, "x-colo/not-built",
          "QEMU compiled without replication module can't enable COLO"),
     .text.hint = "Please enable replication before COLO.",
     .when = WHEN_NO_REPLICATION, .trigger = CAP(X_COLO)},
    {RULE(COLO_RETURN_PATH, "x-colo/return-path", "Capability 'x-colo' requires capability 'return-path'"),
     .releases = FROM(11_0), .when = WHEN_REPLICATION, .trigger = CAP(X_COLO), .need = CAP(RETURN_PATH)},
    {RULE(POSTCOPY_HOST, "postcopy-ram/host", "Postcopy is not supported"),
     .when = WHEN_INCOMING, .trigger = CAP(POSTCOPY_RAM), .switched_on = true,
     .question = ASK_POSTCOPY},
    {RULE(POSTCOPY_IGNORE_SHARED, "postcopy-ram/x-ignore-shared",
          "Postcopy is not compatible with ignore-shared"),
     .trigger = CAP(POSTCOPY_RAM), .forbid = CAP(X_IGNORE_SHARED)},
    {RULE(POSTCOPY_MULTIFD, "postcopy-ram/multifd", "Postcopy is not yet compatible with multifd"),
     .releases = BETWEEN(8_1, 10_1), .trigger = CAP(POSTCOPY_RAM), .forbid = CAP(MULTIFD)},
    {RULE(SNAPSHOT_KERNEL, "background-snapshot/kernel",
          "Background-snapshot is not supported by host kernel"),
     .trigger = CAP(BACKGROUND_SNAPSHOT), .question = ASK_WRITE_TRACKING_AVAILABLE},
    {RULE(SNAPSHOT_MEMORY, "background-snapshot/memory",
          "Background-snapshot is not compatible with guest memory configuration"),
     .when = WHEN_RAM_TRACKED, .trigger = CAP(BACKGROUND_SNAPSHOT), .question = ASK_WRITE_TRACKING_COMPATIBLE},
    SNAPSHOT_CONFLICT("postcopy-ram", POSTCOPY_RAM),
    SNAPSHOT_CONFLICT("dirty-bitmaps", DIRTY_BITMAPS),
    SNAPSHOT_CONFLICT("postcopy-blocktime", POSTCOPY_BLOCKTIME),
    SNAPSHOT_CONFLICT("late-block-activate", LATE_BLOCK_ACTIVATE),
    SNAPSHOT_CONFLICT("return-path", RETURN_PATH),
    SNAPSHOT_CONFLICT("multifd", MULTIFD),
    SNAPSHOT_CONFLICT("pause-before-switchover", PAUSE_BEFORE_SWITCHOVER),
    SNAPSHOT_CONFLICT("auto-converge", AUTO_CONVERGE),
    SNAPSHOT_CONFLICT("release-ram", RELEASE_RAM),
    SNAPSHOT_CONFLICT("rdma-pin-all", RDMA_PIN_ALL),
    SNAPSHOT_CONFLICT("compress", COMPRESS),
    SNAPSHOT_CONFLICT("xbzrle", XBZRLE),
    SNAPSHOT_CONFLICT("x-colo", X_COLO),
    SNAPSHOT_CONFLICT("validate-uuid", VALIDATE_UUID),
    SNAPSHOT_CONFLICT("zero-copy-send", ZERO_COPY_SEND),
    {RULE(ZERO_COPY_PLAIN_MULTIFD, "zero-copy-send/plain-multifd",
          ZERO_COPY_NOT_PLAIN),
     .when = WHEN_LINUX, .refused_when = WHEN_COMPRESSED_OR_TLS,
     .trigger = CAP(ZERO_COPY_SEND), .need = CAP(MULTIFD), .forbid = CAP(COMPRESS) | CAP(XBZRLE)},
    {RULE(ZERO_COPY_LINUX, "zero-copy-send/linux", "Zero copy currently only available on Linux"),
     .when = WHEN_NOT_LINUX, .trigger = CAP(ZERO_COPY_SEND)},
    {RULE(MULTIFD_SINGLE_CHANNEL, "multifd/single-channel", "multifd is not supported by current protocol"),
     .releases = BEFORE(8_0), .when = WHEN_INCOMING | WHEN_SINGLE_CHANNEL, .trigger = CAP(MULTIFD)},
    {RULE(PREEMPT_POSTCOPY_RAM, "postcopy-preempt/postcopy-ram", "Postcopy preempt requires postcopy-ram"),
     .trigger = CAP(POSTCOPY_PREEMPT), .need = CAP(POSTCOPY_RAM)},
    {RULE(PREEMPT_COMPRESS, "postcopy-preempt/compress", "Postcopy preempt not compatible with compress"),
     .trigger = CAP(POSTCOPY_PREEMPT), .forbid = CAP(COMPRESS)},
    {RULE(PREEMPT_INCOMING_STARTED, "postcopy-preempt/incoming-started", PREEMPT_TOO_LATE),
     .releases = LOOKS_AT_ALL, .when = WHEN_INCOMING_STARTED, .trigger = CAP(POSTCOPY_PREEMPT)},
    {RULE(PREEMPT_INCOMING_STARTED, "postcopy-preempt/incoming-started", PREEMPT_TOO_LATE),
     .releases = LOOKS_AT_WHAT_IS_NEW, .when = WHEN_INCOMING_STARTED,
     .trigger = CAP(POSTCOPY_PREEMPT), .switched_on = true},
    {RULE(MULTIFD_COMPRESS, "multifd/compress", "Multifd is not compatible with compress"),
     .trigger = CAP(MULTIFD), .forbid = CAP(COMPRESS)},
    {RULE(MULTIFD_INCOMING_STARTED, "multifd/incoming-started", MULTIFD_TOO_LATE),
     .releases = LOOKS_AT_ALL, .when = WHEN_INCOMING_STARTED, .trigger = CAP(MULTIFD)},
    {RULE(MULTIFD_INCOMING_STARTED, "multifd/incoming-started", MULTIFD_TOO_LATE),
     .releases = LOOKS_AT_WHAT_IS_NEW, .when = WHEN_INCOMING_STARTED,
     .trigger = CAP(MULTIFD), .switched_on = true},
    {RULE(SWITCHOVER_ACK_RETURN_PATH, "switchover-ack/return-path",
          "Capability 'switchover-ack' requires capability 'return-path'"),
     .trigger = CAP(SWITCHOVER_ACK), .need = CAP(RETURN_PATH)},
    {RULE(DIRTY_LIMIT_AUTO_CONVERGE, "dirty-limit/auto-converge",
          "dirty-limit conflicts with auto-converge either of then available currently"),
     .trigger = CAP(DIRTY_LIMIT), .forbid = CAP(AUTO_CONVERGE)},
    {RULE(DIRTY_LIMIT_KVM, "dirty-limit/kvm",
          "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set"),
     .when = WHEN_NO_DIRTY_RING, .trigger = CAP(DIRTY_LIMIT)},
    {RULE(MULTIFD_XBZRLE, "multifd/xbzrle", "Multifd is not compatible with xbzrle"), .releases = FROM(8_2),
     .trigger = CAP(MULTIFD), .forbid = CAP(XBZRLE)},
    {RULE(COMPRESS_XBZRLE, "compress/xbzrle", "Compression is not compatible with xbzrle"), .releases = FROM(8_2),
     .trigger = CAP(COMPRESS), .forbid = CAP(XBZRLE)},
    {RULE(MAPPED_RAM_XBZRLE, "mapped-ram/xbzrle", "Mapped-ram migration is incompatible with xbzrle"),
     .trigger = CAP(MAPPED_RAM), .forbid = CAP(XBZRLE)},
    {RULE(MAPPED_RAM_COMPRESS, "mapped-ram/compress", "Mapped-ram migration is incompatible with compression"),
     .trigger = CAP(MAPPED_RAM), .forbid = CAP(COMPRESS)},
    {RULE(MAPPED_RAM_POSTCOPY_RAM, "mapped-ram/postcopy-ram", "Mapped-ram migration is incompatible with postcopy"),
     .trigger = CAP(MAPPED_RAM), .forbid = CAP(POSTCOPY_RAM)},
    {RULE(RDMA_XBZRLE, "rdma/xbzrle", "RDMA and XBZRLE can't be used together"), .releases = FROM(10_1),
     .when = WHEN_RDMA, .trigger = CAP(XBZRLE)},
    {RULE(RDMA_MULTIFD, "rdma/multifd", "RDMA and multifd can't be used together"), .releases = FROM(10_1),
     .when = WHEN_RDMA, .trigger = CAP(MULTIFD)},
    {RULE(RDMA_POSTCOPY_RAM, "rdma/postcopy-ram", "RDMA and postcopy-ram can't be used together"),
     .releases = FROM(10_1), .when = WHEN_RDMA, .trigger = CAP(POSTCOPY_RAM)},
};

/* A warning that QEMU gives while a capability is on. QEMU warns before it checks the rules, except that the rule
 * `unless` comes before the warning. */
typedef struct WarningRow {
    const char *text;
    ReleaseSet releases;
    CapabilitySet trigger;
    int unless;
} WarningRow;

static const WarningRow warnings[] = {
    {"block migration is deprecated; use blockdev-mirror with NBD instead",
     BETWEEN(8_2, 9_1), CAP(BLOCK), MIGRATION_BLOCK_NOT_BUILT},
    {"old compression method is deprecated; use multifd compression methods instead",
     BETWEEN(8_2, 9_1), CAP(COMPRESS), MIGRATION_BLOCK_NOT_BUILT},
    {"zero-blocks capability is deprecated", BETWEEN(9_2, 10_2_50), CAP(ZERO_BLOCKS), -1},
};
/* clang-format on */

enum {
    N_RULES = sizeof(rules) / sizeof(rules[0]),
    N_WARNINGS = sizeof(warnings) / sizeof(warnings[0]),
};

static int context_flags(const MigrationContext *context)
{
    const QemuBuild *build = &context->build;
    const struct {
        bool is;
        int when;
    } all[] = {
        {!build->live_block_migration, WHEN_NO_LIVE_BLOCK_MIGRATION},
        {!build->replication, WHEN_NO_REPLICATION},
        {build->replication, WHEN_REPLICATION},
        {build->on_linux, WHEN_LINUX},
        {!build->on_linux, WHEN_NOT_LINUX},
        {context->incoming, WHEN_INCOMING},
        {context->incoming_started, WHEN_INCOMING_STARTED},
        {!context->kvm_dirty_ring, WHEN_NO_DIRTY_RING},
        {context->rdma, WHEN_RDMA},
        {context->single_channel, WHEN_SINGLE_CHANNEL},
        {context->compressed || context->tls, WHEN_COMPRESSED_OR_TLS},
        {!context->no_ram_tracked, WHEN_RAM_TRACKED},
    };
    int now = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        now |= all[i].is ? all[i].when : 0;
    }
    return now;
}

static bool rule_applies(const RuleRow *row, int release, CapabilitySet known)
{
    bool in_range = row->releases == 0 || release_within(release, row->releases);
    bool names_others = (row->need | row->forbid) != 0, knows_others = has_any(row->need | row->forbid, known);
    return in_range && has_all(known, row->trigger) && (!names_others || knows_others);
}

static bool refuses_trigger(const RuleRow *row, int now)
{
    return (row->need | row->forbid) == 0 || (row->refused_when & now) != 0;
}

static int add_terms(const RuleRow *row, CapabilitySet others, bool other_on, Term *terms)
{
    int count = 0;
    for (; others != 0; others &= others - 1) {
        terms[count++] = (Term){
            .trigger = (uint8_t)__builtin_ctzll(row->trigger),
            .other = (uint8_t)__builtin_ctzll(others),
            .other_on = other_on,
            .switched_on = row->switched_on,
            .question = (uint8_t)row->question,
            .code = (uint8_t)row->code,
        };
    }
    return count;
}

int rules_compile(const MigrationContext *context, Term terms[MOST_TERMS])
{
    CapabilitySet known = qemu_build_capabilities(&context->build);
    int now = context_flags(context), count = 0;

    for (const RuleRow *row = rules; row < rules + N_RULES; row++) {
        if (rule_applies(row, context->build.release, known) && (row->when & now) == row->when) {
            CapabilitySet itself = refuses_trigger(row, now) ? row->trigger : 0;
            count += add_terms(row, (row->forbid & known) | itself, true, terms + count);
            count += add_terms(row, row->need, false, terms + count);
        }
    }
    return count;
}

int migration_rule(const QemuBuild *build, int code, MigrationRule *rule)
{
    CapabilitySet known = qemu_build_capabilities(build);
    if (!qemu_release_known(build->release)) {
        return -ENOENT;
    }
    if (code == MIGRATION_ACCEPTED) {
        *rule = (MigrationRule){.id = "accepted", .message = ""};
        return 0;
    }
    for (const RuleRow *row = rules; row < rules + N_RULES; row++) {
        if (row->code == code && rule_applies(row, build->release, known)) {
            *rule = row->text;
            rule->trigger = row->trigger;
            rule->need = row->need;
            rule->forbid = row->forbid & known;
            rule->capabilities = rule->trigger | rule->need | rule->forbid;
            rule->parameters = row->refused_when & WHEN_COMPRESSED_OR_TLS ? COMPRESSION_AND_TLS : 0;
            rule->reason_follows =
                row->question == ASK_POSTCOPY && qemu_release_row(build->probe_release)->tells_reason;
            return 0;
        }
    }
    return -ENOENT;
}

uint32_t rules_warnings(int release, CapabilitySet new_set, int code)
{
    uint32_t given = 0;
    for (int i = 0; i < N_WARNINGS; i++) {
        const WarningRow *row = &warnings[i];
        if (release_within(release, row->releases) && has_any(new_set, row->trigger) && code != row->unless) {
            given |= (uint32_t)1 << i;
        }
    }
    return given;
}

const char *migration_warning(int number)
{
    return number >= 0 && number < N_WARNINGS ? warnings[number].text : NULL;
}
