/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A check against a slow walk of the rules, which are written down here once more: what each looks at, the releases
 * that have it, and the circumstances in which it counts. */
#include "fuzz.h"

#define CAP(name) ((CapabilitySet)1 << MIGRATION_CAPABILITY_##name)

/* The question that a rule answers. */
typedef struct Question {
    const MigrationContext *context;
    const Stated *stated;
    CapabilitySet old_set, new_set;
} Question;

/* ---- When a rule counts ---- */

#define CIRCUMSTANCE(name, condition)                                                                                  \
    static bool name(const Question *question)                                                                         \
    {                                                                                                                  \
        const MigrationContext *context = question->context;                                                           \
        return condition;                                                                                              \
    }

CIRCUMSTANCE(no_block_migration, !context->build.live_block_migration)
CIRCUMSTANCE(no_replication, !context->build.replication)
CIRCUMSTANCE(replication, context->build.replication)
CIRCUMSTANCE(on_linux, context->build.on_linux)
CIRCUMSTANCE(elsewhere, !context->build.on_linux)
CIRCUMSTANCE(one_channel, context->incoming && context->single_channel)
CIRCUMSTANCE(no_dirty_ring, !context->kvm_dirty_ring)
CIRCUMSTANCE(rdma, context->rdma)

static bool looks_at_what_is_new(int release)
{
    return release == QEMU_9_2_4 || release >= QEMU_10_0_1;
}

static bool too_late(const Question *question, CapabilitySet trigger)
{
    bool was_on = question->old_set & trigger;
    return question->context->incoming_started && !(was_on && looks_at_what_is_new(question->context->build.release));
}

static bool too_late_for_preempt(const Question *question)
{
    return too_late(question, CAP(POSTCOPY_PREEMPT));
}

static bool too_late_for_multifd(const Question *question)
{
    return too_late(question, CAP(MULTIFD));
}

static const HostFacts *facts_of(const Question *question)
{
    return &question->stated->facts[qemu_release_probe_variant(question->context->build.probe_release)];
}

static bool no_postcopy(const Question *question)
{
    const MigrationContext *context = question->context;
    uint64_t page_size = context->target_page_size != 0 ? context->target_page_size : QEMU_DEFAULT_TARGET_PAGE_SIZE;
    bool too_large = question->stated->page_size != 0 && page_size > question->stated->page_size;
    bool was_on = question->old_set & CAP(POSTCOPY_RAM);
    return context->incoming && !was_on && (too_large || !facts_of(question)->postcopy.ok);
}

static int tracking_of(const Question *question)
{
    bool ignores_shared = question->old_set & CAP(X_IGNORE_SHARED);
    int scope = ignores_shared ? qemu_release_scope(question->context->build.release) : SCOPE_ALL_BLOCKS;
    return facts_of(question)->write_tracking[scope];
}

static bool no_tracking(const Question *question)
{
    return tracking_of(question) == WRITE_TRACKING_ABSENT;
}

/* A kernel that can't track at all is another rule's subject. */
static bool untracked_memory(const Question *question)
{
    return !question->context->no_ram_tracked && tracking_of(question) == WRITE_TRACKING_AVAILABLE;
}

typedef struct Row {
    int code;
    CapabilitySet trigger; /* it refuses while this one is on, */
    CapabilitySet need;    /* unless all of these are on */
    CapabilitySet forbid;  /* and all of these off, */
    bool plain;            /* and neither compression nor TLS is set; unconditionally if it names none of these */
    bool (*counts)(const Question *question);
    int first, end; /* the releases that have it; an end of 0: up to the newest */
} Row;

#define ROW(code_, ...) {.code = MIGRATION_##code_, .trigger = __VA_ARGS__}

/* clang-format off */
/* In QEMU's order. */
static const Row walk[] = {
    ROW(BLOCK_NOT_BUILT, CAP(BLOCK), .counts = no_block_migration),
    ROW(COLO_NOT_BUILT, CAP(X_COLO), .counts = no_replication),
    ROW(COLO_RETURN_PATH, CAP(X_COLO), .need = CAP(RETURN_PATH), .counts = replication, .first = QEMU_11_0),
    ROW(POSTCOPY_HOST, CAP(POSTCOPY_RAM), .counts = no_postcopy),
    ROW(POSTCOPY_IGNORE_SHARED, CAP(POSTCOPY_RAM), .forbid = CAP(X_IGNORE_SHARED)),
    ROW(POSTCOPY_MULTIFD, CAP(POSTCOPY_RAM), .forbid = CAP(MULTIFD), .first = QEMU_8_1, .end = QEMU_10_1),
    ROW(SNAPSHOT_KERNEL, CAP(BACKGROUND_SNAPSHOT), .counts = no_tracking),
    ROW(SNAPSHOT_MEMORY, CAP(BACKGROUND_SNAPSHOT), .counts = untracked_memory),
    ROW(SNAPSHOT_POSTCOPY_RAM, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(POSTCOPY_RAM)),
    ROW(SNAPSHOT_DIRTY_BITMAPS, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(DIRTY_BITMAPS)),
    ROW(SNAPSHOT_POSTCOPY_BLOCKTIME, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(POSTCOPY_BLOCKTIME)),
    ROW(SNAPSHOT_LATE_BLOCK_ACTIVATE, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(LATE_BLOCK_ACTIVATE)),
    ROW(SNAPSHOT_RETURN_PATH, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(RETURN_PATH)),
    ROW(SNAPSHOT_MULTIFD, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(MULTIFD)),
    ROW(SNAPSHOT_PAUSE_BEFORE_SWITCHOVER, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(PAUSE_BEFORE_SWITCHOVER)),
    ROW(SNAPSHOT_AUTO_CONVERGE, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(AUTO_CONVERGE)),
    ROW(SNAPSHOT_RELEASE_RAM, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(RELEASE_RAM)),
    ROW(SNAPSHOT_RDMA_PIN_ALL, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(RDMA_PIN_ALL)),
    ROW(SNAPSHOT_COMPRESS, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(COMPRESS)),
    ROW(SNAPSHOT_XBZRLE, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(XBZRLE)),
    ROW(SNAPSHOT_X_COLO, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(X_COLO)),
    ROW(SNAPSHOT_VALIDATE_UUID, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(VALIDATE_UUID)),
    ROW(SNAPSHOT_ZERO_COPY_SEND, CAP(BACKGROUND_SNAPSHOT), .forbid = CAP(ZERO_COPY_SEND)),
    ROW(ZERO_COPY_PLAIN_MULTIFD, CAP(ZERO_COPY_SEND), .need = CAP(MULTIFD), .forbid = CAP(COMPRESS) | CAP(XBZRLE),
        .plain = true, .counts = on_linux),
    ROW(ZERO_COPY_LINUX, CAP(ZERO_COPY_SEND), .counts = elsewhere),
    ROW(MULTIFD_SINGLE_CHANNEL, CAP(MULTIFD), .counts = one_channel, .end = QEMU_8_0),
    ROW(PREEMPT_POSTCOPY_RAM, CAP(POSTCOPY_PREEMPT), .need = CAP(POSTCOPY_RAM)),
    ROW(PREEMPT_COMPRESS, CAP(POSTCOPY_PREEMPT), .forbid = CAP(COMPRESS)),
    ROW(PREEMPT_INCOMING_STARTED, CAP(POSTCOPY_PREEMPT), .counts = too_late_for_preempt, .first = QEMU_8_1),
    ROW(MULTIFD_COMPRESS, CAP(MULTIFD), .forbid = CAP(COMPRESS)),
    ROW(MULTIFD_INCOMING_STARTED, CAP(MULTIFD), .counts = too_late_for_multifd, .first = QEMU_8_1),
    ROW(SWITCHOVER_ACK_RETURN_PATH, CAP(SWITCHOVER_ACK), .need = CAP(RETURN_PATH)),
    ROW(DIRTY_LIMIT_AUTO_CONVERGE, CAP(DIRTY_LIMIT), .forbid = CAP(AUTO_CONVERGE)),
    ROW(DIRTY_LIMIT_KVM, CAP(DIRTY_LIMIT), .counts = no_dirty_ring),
    ROW(MULTIFD_XBZRLE, CAP(MULTIFD), .forbid = CAP(XBZRLE), .first = QEMU_8_2),
    ROW(COMPRESS_XBZRLE, CAP(COMPRESS), .forbid = CAP(XBZRLE), .first = QEMU_8_2),
    ROW(MAPPED_RAM_XBZRLE, CAP(MAPPED_RAM), .forbid = CAP(XBZRLE)),
    ROW(MAPPED_RAM_COMPRESS, CAP(MAPPED_RAM), .forbid = CAP(COMPRESS)),
    ROW(MAPPED_RAM_POSTCOPY_RAM, CAP(MAPPED_RAM), .forbid = CAP(POSTCOPY_RAM)),
    ROW(RDMA_XBZRLE, CAP(XBZRLE), .counts = rdma, .first = QEMU_10_1),
    ROW(RDMA_MULTIFD, CAP(MULTIFD), .counts = rdma, .first = QEMU_10_1),
    ROW(RDMA_POSTCOPY_RAM, CAP(POSTCOPY_RAM), .counts = rdma, .first = QEMU_10_1),
};
/* clang-format on */

_Static_assert(COUNT_OF(walk) == MIGRATION_VERDICT__MAX - 1, "every rule is walked");

/* ---- The walk ---- */

/* A build has a rule if it has the trigger and, where the rule names others, at least one of them. */
static bool has_rule(const QemuBuild *build, const Row *row)
{
    CapabilitySet known = qemu_build_capabilities(build), others = row->need | row->forbid;
    bool in_range = build->release >= row->first && (row->end == 0 || build->release < row->end);
    return in_range && (known & row->trigger) != 0 && (others == 0 || (known & others) != 0);
}

static bool refuses(const Question *question, const Row *row)
{
    const MigrationContext *context = question->context;
    CapabilitySet set = question->new_set;
    bool unconditional = (row->need | row->forbid) == 0;
    bool satisfied = (set & row->need) == row->need && (set & row->forbid) == 0 &&
                     !(row->plain && (context->compressed || context->tls));
    return (set & row->trigger) != 0 && (unconditional || !satisfied);
}

static int walk_rules(const Question *question, uint8_t codes[MIGRATION_VERDICT__MAX])
{
    int count = 0;
    for (const Row *row = walk; row < walk + COUNT_OF(walk); row++) {
        if (has_rule(&question->context->build, row) && refuses(question, row) &&
            (row->counts == NULL || row->counts(question))) {
            codes[count++] = (uint8_t)row->code;
        }
    }
    return count;
}

/* What migration_rule() says is what the walk does. */
static void rules_are_the_rows(const QemuBuild *build)
{
    CapabilitySet known = qemu_build_capabilities(build);
    for (const Row *row = walk; row < walk + COUNT_OF(walk); row++) {
        MigrationRule rule;
        int result = migration_rule(build, row->code, &rule);
        MUST(result == (has_rule(build, row) ? 0 : -ENOENT));
        if (result == 0) {
            MUST(rule.trigger == row->trigger && rule.need == row->need && rule.forbid == (row->forbid & known));
            MUST(rule.capabilities == (rule.trigger | rule.need | rule.forbid));
            MUST((rule.parameters != 0) == row->plain);
        }
    }
}

/* ---- The target ---- */

static void the_text_is_the_rules(const MigrationChecker *checker, const QemuBuild *build, int code)
{
    MigrationRule rule;
    char text[512];
    MUST(migration_rule(build, code, &rule) == 0);
    int length = migration_checker_message(checker, code, text, sizeof(text));
    MUST(length >= 0 && (size_t)length == strlen(text));
    MUST(strncmp(text, rule.message, strlen(rule.message)) == 0);
    MUST(rule.reason_follows || strcmp(text, rule.message) == 0);
}

static void check_is_the_walk(const MigrationChecker *checker, const Question *question)
{
    uint8_t expected[MIGRATION_VERDICT__MAX], codes[MIGRATION_VERDICT__MAX];
    int count = walk_rules(question, expected);
    int first = count > 0 ? expected[0] : MIGRATION_ACCEPTED;
    MUST(migrate_caps_check(checker, question->old_set, question->new_set) == first);
    MUST(question->old_set != 0 || migrate_caps_check_set(checker, question->new_set) == first);
    MUST(migrate_caps_explain(checker, question->old_set, question->new_set, codes) == count);
    MUST(memcmp(codes, expected, (size_t)count) == 0);
    for (int i = 0; i < count; i++) {
        the_text_is_the_rules(checker, &question->context->build, codes[i]);
    }
    for (uint32_t left = migrate_caps_warnings(checker, question->new_set, first); left != 0; left &= left - 1) {
        MUST(migration_warning(__builtin_ctz(left)) != NULL);
    }
}

static void one_question(Input *input, const MigrationChecker *checker, Question *question)
{
    uint8_t codes[MIGRATION_VERDICT__MAX];
    CapabilitySet known = qemu_build_capabilities(&question->context->build);
    question->old_set = take_set(input, known);
    question->new_set = take_set(input, known);
    if (((question->old_set | question->new_set) & ~known) == 0) {
        check_is_the_walk(checker, question);
        return;
    }
    MUST(migrate_caps_check(checker, question->old_set, question->new_set) == -EINVAL);
    MUST(migrate_caps_explain(checker, question->old_set, question->new_set, codes) == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, size};
    MigrationContext context = take_context(&input);
    Stated stated = take_host(&input);
    Question question = {.context = &context, .stated = &stated};
    MigrationChecker *checker;
    MUST(migration_checker_new(&context, stated.host, &checker) == 0);
    rules_are_the_rows(&context.build);
    do {
        one_question(&input, checker, &question);
    } while (input.left > 0);
    migration_checker_free(checker);
    migration_host_free(stated.host);
    return 0;
}
