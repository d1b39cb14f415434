/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts about a host, in two atomic words for each variant of the probe. There is no lock, so a child can't hang on
 * one after fork(). The top ten bits of each word count refreshes, so that the result of a probe that began before a
 * refresh is not kept. The other bits:
 *
 *   of write tracking   two bits for each of enum WriteTrackingScope, 0 if it is unknown
 *   of postcopy         bit 0: known; 1: supported; 2..5: the step; 6..17: its errno; 18..49: its detail
 *
 * What a probe does not find out is told once, and stays unknown here.
 */
#define _GNU_SOURCE
#include "host/host.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/memory.h"
#include "host/probe.h"

#define REFRESH_UNIT ((uint64_t)1 << 54)
#define REFRESHES (~(REFRESH_UNIT - 1))

typedef struct KnownFacts {
    _Atomic uint64_t write_tracking;
    _Atomic uint64_t postcopy;
    _Atomic uint64_t block_length, block_page_size; /* part of the text of step 8 */
    int write_tracking_error;                       /* of a stated host */
} KnownFacts;

struct MigrationHost {
    KnownFacts known[PROBE_VARIANT__MAX];
    _Atomic int error; /* see migration_host_error() */
    bool stated;
    uint64_t page_size; /* of the host, in bytes; 0: unknown */
    uint64_t target_page_size;
    size_t count;
    RamBlock blocks[];
};

static uint64_t pack_write_tracking(const int tracking[WRITE_TRACKING_SCOPE__MAX])
{
    uint64_t word = 0;
    for (int i = 0; i < WRITE_TRACKING_SCOPE__MAX; i++) {
        word |= (uint64_t)tracking[i] << 2 * i;
    }
    return word;
}

static int unpack_write_tracking(uint64_t word, int scope)
{
    return word >> 2 * scope & 3;
}

static bool is_found_out(const PostcopySupport *support)
{
    return support->ok || !host_error_is_inconclusive(support->error);
}

static uint64_t pack_postcopy(const PostcopySupport *support)
{
    return (uint64_t)is_found_out(support) | (uint64_t)support->ok << 1 | (uint64_t)(support->step & 0xf) << 2 |
           (uint64_t)(support->error & 0xfff) << 6 | (uint64_t)support->detail << 18;
}

static PostcopySupport unpack_postcopy(const KnownFacts *known, uint64_t word)
{
    return (PostcopySupport){
        .block_length = known->block_length,
        .block_page_size = known->block_page_size,
        .ok = word >> 1 & 1,
        .step = word >> 2 & 0xf,
        .error = word >> 6 & 0xfff,
        .detail = (uint32_t)(word >> 18),
    };
}

/* ---- Creating and freeing ---- */

static MigrationHost *host_new(size_t count)
{
    MigrationHost *host = calloc(1, sizeof(*host) + count * sizeof(RamBlock));
    if (host != NULL) {
        host->count = count;
    }
    return host;
}

static int copy_blocks(MigrationHost *host, const RamBlock *blocks)
{
    for (size_t i = 0; i < host->count; i++) {
        host->blocks[i] = blocks[i];
        host->blocks[i].path = NULL;
    }
    for (size_t i = 0; i < host->count; i++) {
        if (blocks[i].path != NULL && (host->blocks[i].path = strdup(blocks[i].path)) == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

int migration_host_local(const RamBlock *blocks, size_t count, uint64_t target_page_size, MigrationHost **host)
{
    if (count > (SIZE_MAX - sizeof(MigrationHost)) / sizeof(RamBlock)) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].kind == RAM_BLOCK_FILE && blocks[i].path == NULL) {
            return -EINVAL;
        }
    }
    MigrationHost *new = host_new(count);
    if (new == NULL || copy_blocks(new, blocks) < 0) {
        migration_host_free(new);
        return -ENOMEM;
    }
    new->page_size = host_page_size();
    new->target_page_size = target_page_size;
    *host = new;
    return 0;
}

static bool can_be(const HostFacts *facts)
{
    const PostcopySupport *postcopy = &facts->postcopy;
    int lowest =
        host_error_is_inconclusive(facts->write_tracking_error) ? WRITE_TRACKING_UNKNOWN : WRITE_TRACKING_ABSENT;
    for (int i = 0; i < WRITE_TRACKING_SCOPE__MAX; i++) {
        if (facts->write_tracking[i] < lowest || facts->write_tracking[i] > WRITE_TRACKING_COMPATIBLE) {
            return false;
        }
    }
    return postcopy->step >= POSTCOPY_STEP_NONE && postcopy->step <= POSTCOPY_STEP_MEMORY && postcopy->error >= 0 &&
           postcopy->error <= PYMIG_ERROR_KILLED;
}

static void state_facts(KnownFacts *known, const HostFacts *facts)
{
    known->write_tracking = pack_write_tracking(facts->write_tracking);
    known->write_tracking_error = facts->write_tracking_error;
    known->postcopy = pack_postcopy(&facts->postcopy);
    known->block_length = facts->postcopy.block_length;
    known->block_page_size = facts->postcopy.block_page_size;
}

int migration_host_stated(const HostFacts facts[PROBE_VARIANT__MAX], uint64_t page_size, MigrationHost **host)
{
    for (int i = 0; i < PROBE_VARIANT__MAX; i++) {
        if (!can_be(&facts[i])) {
            return -EINVAL;
        }
    }
    MigrationHost *new = host_new(0);
    if (new == NULL) {
        return -ENOMEM;
    }
    new->stated = true;
    new->page_size = page_size;
    for (int i = 0; i < PROBE_VARIANT__MAX; i++) {
        state_facts(&new->known[i], &facts[i]);
    }
    *host = new;
    return 0;
}

void migration_host_free(MigrationHost *host)
{
    if (host != NULL) {
        for (size_t i = 0; i < host->count; i++) {
            free((char *)host->blocks[i].path);
        }
        free(host);
    }
}

static void forget(_Atomic uint64_t *known)
{
    uint64_t word = *known;
    while (!atomic_compare_exchange_weak(known, &word, (word & REFRESHES) + REFRESH_UNIT)) {
    }
}

void migration_host_refresh(MigrationHost *host)
{
    for (int i = 0; i < PROBE_VARIANT__MAX && !host->stated; i++) {
        forget(&host->known[i].write_tracking);
        forget(&host->known[i].postcopy);
    }
}

/* ---- What is known ---- */

uint64_t migration_host_page_size(const MigrationHost *host)
{
    return host->page_size;
}

int migration_host_error(const MigrationHost *host)
{
    return host->error;
}

int migration_host_known(const MigrationHost *host, int variant, HostQuestion question, int scope)
{
    const KnownFacts *known = &host->known[variant];
    if (question == ASK_POSTCOPY) {
        uint64_t word = known->postcopy;
        return word & 1 ? (int)(word >> 1 & 1) : -EAGAIN;
    }
    int tracking = unpack_write_tracking(known->write_tracking, scope);
    if (tracking == WRITE_TRACKING_UNKNOWN) {
        return -EAGAIN;
    }
    return tracking >=
           (question == ASK_WRITE_TRACKING_AVAILABLE ? WRITE_TRACKING_AVAILABLE : WRITE_TRACKING_COMPATIBLE);
}

/* ---- Probing ---- */

static uint64_t merge_write_tracking(uint64_t word, uint64_t answer)
{
    for (int scope = 0; scope < WRITE_TRACKING_SCOPE__MAX; scope++) {
        if (unpack_write_tracking(word, scope) == WRITE_TRACKING_UNKNOWN) {
            word |= answer & (uint64_t)3 << 2 * scope;
        }
    }
    return word;
}

static uint64_t merge_postcopy(uint64_t word, uint64_t answer)
{
    return word & 1 ? word : word | answer;
}

/* Adds to a word what was unknown in it, unless the host was refreshed since it was `before`. */
static void keep(_Atomic uint64_t *fact, uint64_t before, uint64_t answer, uint64_t (*merge)(uint64_t, uint64_t))
{
    uint64_t word = before;
    do {
        if ((word & REFRESHES) != (before & REFRESHES)) {
            return;
        }
    } while (!atomic_compare_exchange_weak(fact, &word, merge(word, answer)));
}

static PostcopySupport ask_postcopy(MigrationHost *host, int variant)
{
    KnownFacts *known = &host->known[variant];
    uint64_t before = known->postcopy;
    if (host->stated) {
        return unpack_postcopy(known, before);
    }
    PostcopySupport support = probe_postcopy(variant, host->blocks, host->count, host->target_page_size);
    if (is_found_out(&support)) {
        known->block_length = support.block_length;
        known->block_page_size = support.block_page_size;
        keep(&known->postcopy, before, pack_postcopy(&support), merge_postcopy);
    }
    return support;
}

/* Returns the errno for which it was not found out within this scope, or 0. */
static int ask_write_tracking(MigrationHost *host, int variant, int scope)
{
    KnownFacts *known = &host->known[variant];
    uint64_t before = known->write_tracking;
    int tracking[WRITE_TRACKING_SCOPE__MAX];
    if (host->stated) {
        return known->write_tracking_error;
    }
    int error = probe_write_tracking(variant, host->blocks, host->count, tracking);
    keep(&known->write_tracking, before, pack_write_tracking(tracking), merge_write_tracking);
    return tracking[scope] == WRITE_TRACKING_UNKNOWN ? error : 0;
}

bool migration_host_ask(MigrationHost *host, int variant, HostQuestion question, int scope)
{
    int error = question == ASK_POSTCOPY ? ask_postcopy(host, variant).error : ask_write_tracking(host, variant, scope);
    if (!host_error_is_inconclusive(error)) {
        return true;
    }
    host->error = error;
    return false;
}

int migration_host_write_tracking(MigrationHost *host, int variant, int scope)
{
    int tracking;
    if (variant < 0 || variant >= PROBE_VARIANT__MAX || scope < 0 || scope >= WRITE_TRACKING_SCOPE__MAX) {
        return WRITE_TRACKING_UNKNOWN;
    }
    do {
        tracking = unpack_write_tracking(host->known[variant].write_tracking, scope);
    } while (tracking == WRITE_TRACKING_UNKNOWN &&
             migration_host_ask(host, variant, ASK_WRITE_TRACKING_AVAILABLE, scope));
    return tracking;
}

PostcopySupport migration_host_postcopy(MigrationHost *host, int variant)
{
    uint64_t word;
    if (variant < 0 || variant >= PROBE_VARIANT__MAX) {
        return (PostcopySupport){.ok = false};
    }
    while (!((word = host->known[variant].postcopy) & 1)) {
        PostcopySupport support = ask_postcopy(host, variant);
        if (!is_found_out(&support)) {
            host->error = support.error;
            return support;
        }
    }
    return unpack_postcopy(&host->known[variant], word);
}
