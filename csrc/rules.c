/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include <errno.h>

#include "build.h"
#include "capability.h"

/* What a context can be, as far as rules look at it. */
enum {
    WHEN_NO_LIVE_BLOCK_MIGRATION = 1 << 0,
    WHEN_NO_REPLICATION = 1 << 1,
    WHEN_INCOMING = 1 << 2,
    WHEN_LINUX = 1 << 3,
    WHEN_NOT_LINUX = 1 << 4,
    WHEN_COMPRESSED_OR_TLS = 1 << 5,
};

/* The rules stand in the order in which QEMU checks them. A rule that names neither `need` nor `forbid` refuses the
 * trigger itself. */
typedef struct RuleRow {
    MigrationRule text;
    int code;
    int when;                 /* counts only in a context that is all of this */
    int refused_when;         /* in a context that is any of this, the trigger itself is refused */
    CapabilitySet trigger;    /* counts only if all of these are on, */
    CapabilitySet unless_old; /* and none of these was on before */
    CapabilitySet need;       /* refuses if one of these is off */
    CapabilitySet forbid;     /* refuses if one of these is on */
    HostQuestion question;    /* refuses if the host says no */
} RuleRow;

/* clang-format off */
#define RULE(code_, id_, message_) .code = MIGRATION_##code_, .text.id = id_, .text.message = message_

#define SNAPSHOT_CONFLICT(name_, capability_)                                                                          \
    {                                                                                                                  \
        RULE(SNAPSHOT_##capability_, "background-snapshot/" name_,                                                     \
             "Background-snapshot is not compatible with " name_),                                                     \
        .trigger = CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(capability_)                                                \
    }

static const RuleRow rules[] = {
    {RULE(BLOCK_NOT_BUILT, "block/not-built",
          "QEMU compiled without old-style (blk/-b, inc/-i) block migration"),
     .text.hint = "Use drive_mirror+NBD instead.",
     .when = WHEN_NO_LIVE_BLOCK_MIGRATION, .trigger = CAP(BLOCK)},
    {RULE(COLO_NOT_BUILT, "x-colo/not-built",
          "QEMU compiled without replication module can't enable COLO"),
     .text.hint = "Please enable replication before COLO.",
     .when = WHEN_NO_REPLICATION, .trigger = CAP(X_COLO)},
    {RULE(POSTCOPY_HOST, "postcopy-ram/host", "Postcopy is not supported"),
     .when = WHEN_INCOMING, .trigger = CAP(POSTCOPY_RAM), .unless_old = CAP(POSTCOPY_RAM),
     .question = ASK_POSTCOPY},
    {RULE(POSTCOPY_IGNORE_SHARED, "postcopy-ram/x-ignore-shared",
          "Postcopy is not compatible with ignore-shared"),
     .trigger = CAP(POSTCOPY_RAM), .forbid = CAP(X_IGNORE_SHARED)},
    {RULE(SNAPSHOT_KERNEL, "background-snapshot/kernel",
          "Background-snapshot is not supported by host kernel"),
     .trigger = CAP(BACKGROUND_SNAPSHOT), .question = ASK_WRITE_TRACKING_AVAILABLE},
    {RULE(SNAPSHOT_MEMORY, "background-snapshot/memory",
          "Background-snapshot is not compatible with guest memory configuration"),
     .trigger = CAP(BACKGROUND_SNAPSHOT), .question = ASK_WRITE_TRACKING_COMPATIBLE},
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
          "Zero copy only available for non-compressed non-TLS multifd migration"),
     .when = WHEN_LINUX, .refused_when = WHEN_COMPRESSED_OR_TLS,
     .trigger = CAP(ZERO_COPY_SEND), .need = CAP(MULTIFD), .forbid = CAP(COMPRESS) | CAP(XBZRLE)},
    {RULE(ZERO_COPY_LINUX, "zero-copy-send/linux", "Zero copy currently only available on Linux"),
     .when = WHEN_NOT_LINUX, .trigger = CAP(ZERO_COPY_SEND)},
    {RULE(PREEMPT_POSTCOPY_RAM, "postcopy-preempt/postcopy-ram", "Postcopy preempt requires postcopy-ram"),
     .trigger = CAP(POSTCOPY_PREEMPT), .need = CAP(POSTCOPY_RAM)},
    {RULE(PREEMPT_COMPRESS, "postcopy-preempt/compress", "Postcopy preempt not compatible with compress"),
     .trigger = CAP(POSTCOPY_PREEMPT), .forbid = CAP(COMPRESS)},
    {RULE(MULTIFD_COMPRESS, "multifd/compress", "Multifd is not compatible with compress"),
     .trigger = CAP(MULTIFD), .forbid = CAP(COMPRESS)},
};
/* clang-format on */

enum { N_RULES = sizeof(rules) / sizeof(rules[0]) };

static int circumstances(const MigrationContext *context)
{
    const QemuBuild *build = &context->build;
    return (build->live_block_migration ? 0 : WHEN_NO_LIVE_BLOCK_MIGRATION) |
           (build->replication ? 0 : WHEN_NO_REPLICATION) | (context->incoming ? WHEN_INCOMING : 0) |
           (build->on_linux ? WHEN_LINUX : WHEN_NOT_LINUX) |
           (context->compressed || context->tls ? WHEN_COMPRESSED_OR_TLS : 0);
}

static bool refuses_trigger(const RuleRow *row, int now)
{
    return (row->need | row->forbid) == 0 || (row->refused_when & now) != 0;
}

int rules_compile(const MigrationContext *context, CompiledRule compiled[MIGRATION_VERDICT__MAX])
{
    int now = circumstances(context), count = 0;

    for (const RuleRow *row = rules; row < rules + N_RULES; row++) {
        if ((row->when & now) != row->when) {
            continue;
        }
        compiled[count++] = (CompiledRule){
            .trigger = row->trigger,
            .unless_old = row->unless_old,
            .need = row->need,
            .forbid = row->forbid | (refuses_trigger(row, now) ? row->trigger : 0),
            .question = (uint8_t)row->question,
            .code = (uint8_t)row->code,
        };
    }
    return count;
}

int migration_rule(const QemuBuild *build, int code, MigrationRule *rule)
{
    if (!qemu_release_known(build->release)) {
        return -ENOENT;
    }
    if (code == MIGRATION_ACCEPTED) {
        *rule = (MigrationRule){.id = "accepted", .message = ""};
        return 0;
    }
    for (const RuleRow *row = rules; row < rules + N_RULES; row++) {
        if (row->code == code) {
            *rule = row->text;
            rule->capabilities = row->trigger | row->need | row->forbid;
            return 0;
        }
    }
    return -ENOENT;
}
