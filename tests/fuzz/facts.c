/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stated host: what can't be is refused, the rest stays as it was stated, and its texts fit where they are written.
 */
#include "fuzz.h"

/* Any numbers, now and then facts that can be. */
static HostFacts take_any_facts(Input *input)
{
    HostFacts facts = take_facts(input);
    switch (take_below(input, 8)) {
    case 0:
        facts.write_tracking[take_below(input, WRITE_TRACKING_SCOPE__MAX)] = (int)take(input, 4);
        break;
    case 1:
        facts.postcopy.step = (int)take(input, 4);
        break;
    case 2:
        facts.postcopy.error = (int)take(input, 4);
        break;
    case 3:
        facts.postcopy.block_length = take(input, 8);
        facts.postcopy.block_page_size = take(input, 8);
        break;
    case 4:
        facts.write_tracking[take_below(input, WRITE_TRACKING_SCOPE__MAX)] = WRITE_TRACKING_UNKNOWN;
        facts.write_tracking_error = (int)take(input, 1);
        break;
    default:
        break;
    }
    return facts;
}

static bool is_within(int number, int least, int most)
{
    return number >= least && number <= most;
}

static bool can_be(const HostFacts *facts)
{
    bool can = is_within(facts->postcopy.step, POSTCOPY_STEP_NONE, POSTCOPY_STEP_MEMORY) &&
               is_within(facts->postcopy.error, 0, PYMIG_ERROR_KILLED);
    bool may_be_unknown = host_error_is_inconclusive(facts->write_tracking_error);
    int least = may_be_unknown ? WRITE_TRACKING_UNKNOWN : WRITE_TRACKING_ABSENT;
    for (int i = 0; i < WRITE_TRACKING_SCOPE__MAX; i++) {
        can &= is_within(facts->write_tracking[i], least, WRITE_TRACKING_COMPATIBLE);
    }
    return can;
}

static void facts_are(MigrationHost *host, int variant, const HostFacts *facts)
{
    PostcopySupport support = migration_host_postcopy(host, variant);
    for (int scope = 0; scope < WRITE_TRACKING_SCOPE__MAX; scope++) {
        MUST(migration_host_write_tracking(host, variant, scope) == facts->write_tracking[scope]);
    }
    MUST(support.ok == facts->postcopy.ok && support.step == facts->postcopy.step);
    MUST(support.error == facts->postcopy.error && support.detail == facts->postcopy.detail);
    MUST(support.block_length == facts->postcopy.block_length);
    MUST(support.block_page_size == facts->postcopy.block_page_size);
}

/* As snprintf() does it: never more than `size` bytes, and the length of the whole. */
static void text_fits(Input *input, const PostcopySupport *support)
{
    int release = take_below(input, QEMU_RELEASE__MAX + 2) - 1;
    size_t size = take(input, 1);
    char *part = malloc(size), whole[1024];
    MUST(part != NULL || size == 0);
    int length = postcopy_support_message(support, release, whole, sizeof(whole));
    MUST(postcopy_support_message(support, release, part, size) == length);
    MUST(length >= 0 && (size_t)length == strlen(whole));
    MUST(size == 0 || strlen(part) == ((size_t)length < size ? (size_t)length : size - 1));
    MUST(size == 0 || strncmp(part, whole, strlen(part)) == 0);
    MUST(!(support->ok || support->step == POSTCOPY_STEP_NONE) || length == 0);
    free(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, size};
    HostFacts facts[PROBE_VARIANT__MAX];
    MigrationHost *host = NULL;
    bool can = true;
    for (int i = 0; i < PROBE_VARIANT__MAX; i++) {
        facts[i] = take_any_facts(&input);
        can &= can_be(&facts[i]);
        text_fits(&input, &facts[i].postcopy);
    }
    MUST(migration_host_stated(facts, take(&input, 8), &host) == (can ? 0 : -EINVAL));
    for (int round = 0; can && round < 2; round++) {
        for (int variant = 0; variant < PROBE_VARIANT__MAX; variant++) {
            facts_are(host, variant, &facts[variant]);
        }
        migration_host_refresh(host); /* forgets nothing that was stated */
    }
    migration_host_free(host);
    return 0;
}
