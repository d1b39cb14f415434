/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A check against a slow walk of the rules: each in QEMU's order, with the circumstances in which it counts, read as
 * pymig.h describes MigrationRule. */
#include "fuzz.h"

/* The question that a rule answers. */
typedef struct Question {
    const MigrationContext *context;
    const Stated *stated;
    CapabilitySet old_set, new_set;
} Question;

/* ---- When a rule counts ---- */

static bool always(const Question *question, const MigrationRule *rule)
{
    (void)question, (void)rule;
    return true;
}

#define CIRCUMSTANCE(name, condition)                                                                                  \
    static bool name(const Question *question, const MigrationRule *rule)                                              \
    {                                                                                                                  \
        const MigrationContext *context = question->context;                                                           \
        (void)rule;                                                                                                    \
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

static bool too_late(const Question *question, const MigrationRule *rule)
{
    bool was_on = question->old_set & rule->trigger;
    return question->context->incoming_started && !(was_on && looks_at_what_is_new(question->context->build.release));
}

static const HostFacts *facts_of(const Question *question)
{
    return &question->stated->facts[qemu_release_probe_variant(question->context->build.probe_release)];
}

static bool no_postcopy(const Question *question, const MigrationRule *rule)
{
    const MigrationContext *context = question->context;
    uint64_t page_size = context->target_page_size != 0 ? context->target_page_size : QEMU_DEFAULT_TARGET_PAGE_SIZE;
    bool too_large = question->stated->page_size != 0 && page_size > question->stated->page_size;
    bool was_on = question->old_set & rule->trigger;
    return context->incoming && !was_on && (too_large || !facts_of(question)->postcopy.ok);
}

static int tracking_of(const Question *question)
{
    bool ignores_shared = question->old_set & one(MIGRATION_CAPABILITY_X_IGNORE_SHARED);
    int scope = ignores_shared ? qemu_release_scope(question->context->build.release) : SCOPE_ALL_BLOCKS;
    return facts_of(question)->write_tracking[scope];
}

static bool no_tracking(const Question *question, const MigrationRule *rule)
{
    (void)rule;
    return tracking_of(question) == WRITE_TRACKING_ABSENT;
}

/* A kernel that can't track at all is another rule's subject. */
static bool untracked_memory(const Question *question, const MigrationRule *rule)
{
    (void)rule;
    return !question->context->no_ram_tracked && tracking_of(question) == WRITE_TRACKING_AVAILABLE;
}

/* In QEMU's order. */
static const struct {
    int code;
    bool (*counts)(const Question *question, const MigrationRule *rule);
} walk[] = {
    {MIGRATION_BLOCK_NOT_BUILT, no_block_migration},
    {MIGRATION_COLO_NOT_BUILT, no_replication},
    {MIGRATION_COLO_RETURN_PATH, replication},
    {MIGRATION_POSTCOPY_HOST, no_postcopy},
    {MIGRATION_POSTCOPY_IGNORE_SHARED, always},
    {MIGRATION_POSTCOPY_MULTIFD, always},
    {MIGRATION_SNAPSHOT_KERNEL, no_tracking},
    {MIGRATION_SNAPSHOT_MEMORY, untracked_memory},
    {MIGRATION_SNAPSHOT_POSTCOPY_RAM, always},
    {MIGRATION_SNAPSHOT_DIRTY_BITMAPS, always},
    {MIGRATION_SNAPSHOT_POSTCOPY_BLOCKTIME, always},
    {MIGRATION_SNAPSHOT_LATE_BLOCK_ACTIVATE, always},
    {MIGRATION_SNAPSHOT_RETURN_PATH, always},
    {MIGRATION_SNAPSHOT_MULTIFD, always},
    {MIGRATION_SNAPSHOT_PAUSE_BEFORE_SWITCHOVER, always},
    {MIGRATION_SNAPSHOT_AUTO_CONVERGE, always},
    {MIGRATION_SNAPSHOT_RELEASE_RAM, always},
    {MIGRATION_SNAPSHOT_RDMA_PIN_ALL, always},
    {MIGRATION_SNAPSHOT_COMPRESS, always},
    {MIGRATION_SNAPSHOT_XBZRLE, always},
    {MIGRATION_SNAPSHOT_X_COLO, always},
    {MIGRATION_SNAPSHOT_VALIDATE_UUID, always},
    {MIGRATION_SNAPSHOT_ZERO_COPY_SEND, always},
    {MIGRATION_ZERO_COPY_PLAIN_MULTIFD, on_linux},
    {MIGRATION_ZERO_COPY_LINUX, elsewhere},
    {MIGRATION_MULTIFD_SINGLE_CHANNEL, one_channel},
    {MIGRATION_PREEMPT_POSTCOPY_RAM, always},
    {MIGRATION_PREEMPT_COMPRESS, always},
    {MIGRATION_PREEMPT_INCOMING_STARTED, too_late},
    {MIGRATION_MULTIFD_COMPRESS, always},
    {MIGRATION_MULTIFD_INCOMING_STARTED, too_late},
    {MIGRATION_SWITCHOVER_ACK_RETURN_PATH, always},
    {MIGRATION_DIRTY_LIMIT_AUTO_CONVERGE, always},
    {MIGRATION_DIRTY_LIMIT_KVM, no_dirty_ring},
    {MIGRATION_MULTIFD_XBZRLE, always},
    {MIGRATION_COMPRESS_XBZRLE, always},
    {MIGRATION_MAPPED_RAM_XBZRLE, always},
    {MIGRATION_MAPPED_RAM_COMPRESS, always},
    {MIGRATION_MAPPED_RAM_POSTCOPY_RAM, always},
    {MIGRATION_RDMA_XBZRLE, rdma},
    {MIGRATION_RDMA_MULTIFD, rdma},
    {MIGRATION_RDMA_POSTCOPY_RAM, rdma},
};

_Static_assert(COUNT_OF(walk) == MIGRATION_VERDICT__MAX - 1, "every rule is walked");

/* ---- The walk ---- */

static bool refuses(const Question *question, const MigrationRule *rule)
{
    const MigrationContext *context = question->context;
    CapabilitySet set = question->new_set;
    bool unconditional = (rule->need | rule->forbid) == 0;
    bool defaults = rule->parameters == 0 || !(context->compressed || context->tls);
    bool satisfied = (set & rule->need) == rule->need && (set & rule->forbid) == 0 && defaults;
    return (set & rule->trigger) != 0 && (unconditional || !satisfied);
}

static int walk_rules(const Question *question, uint8_t codes[MIGRATION_VERDICT__MAX])
{
    int count = 0;
    for (size_t i = 0; i < COUNT_OF(walk); i++) {
        MigrationRule rule;
        if (migration_rule(&question->context->build, walk[i].code, &rule) == 0 && refuses(question, &rule) &&
            walk[i].counts(question, &rule)) {
            codes[count++] = (uint8_t)walk[i].code;
        }
    }
    return count;
}

/* ---- The target ---- */

static void the_text_is_the_rules(const MigrationChecker *checker, const QemuBuild *build, int code)
{
    MigrationRule rule;
    char text[512];
    MUST(migration_rule(build, code, &rule) == 0);
    MUST((rule.capabilities & ~qemu_build_capabilities(build) & ~rule.need) == 0);
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
    do {
        one_question(&input, checker, &question);
    } while (input.left > 0);
    migration_checker_free(checker);
    migration_host_free(stated.host);
    return 0;
}
