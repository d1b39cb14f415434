/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts about a host, in two atomic words for each variant of the probe. There is no lock, so a child can't hang on
 * one after fork(). The top ten bits of each word count refreshes, so that the result of a probe that began before a
 * refresh is not kept. The other bits:
 *
 *   of write tracking   two bits for each of enum WriteTrackingScope, unknown 0
 *   of postcopy         bit 0: known; 1: supported; 2..5: the step; 6..17: its errno; 18..49: its detail
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
} KnownFacts;

struct MigrationHost {
    KnownFacts known[PROBE_VARIANT__MAX];
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

static uint64_t pack_postcopy(const PostcopySupport *support)
{
    return 1 | (uint64_t)support->ok << 1 | (uint64_t)(support->step & 0xf) << 2 |
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

static bool is_known(uint64_t word)
{
    return (word & ~REFRESHES) != 0;
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
    for (int i = 0; i < WRITE_TRACKING_SCOPE__MAX; i++) {
        if (facts->write_tracking[i] < WRITE_TRACKING_ABSENT || facts->write_tracking[i] > WRITE_TRACKING_COMPATIBLE) {
            return false;
        }
    }
    return postcopy->step >= POSTCOPY_STEP_NONE && postcopy->step <= POSTCOPY_STEP_MEMORY && postcopy->error >= 0 &&
           postcopy->error <= PYMIG_ERROR_KILLED;
}

static void state_facts(KnownFacts *known, const HostFacts *facts)
{
    known->write_tracking = pack_write_tracking(facts->write_tracking);
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

/* ---- Probing ---- */

uint64_t migration_host_page_size(const MigrationHost *host)
{
    return host->page_size;
}

int migration_host_known(const MigrationHost *host, int variant, HostQuestion question, int scope)
{
    const KnownFacts *known = &host->known[variant];
    if (question == ASK_POSTCOPY) {
        uint64_t word = known->postcopy;
        return is_known(word) ? (int)(word >> 1 & 1) : -EAGAIN;
    }
    uint64_t word = known->write_tracking;
    if (!is_known(word)) {
        return -EAGAIN;
    }
    return unpack_write_tracking(word, scope) >=
           (question == ASK_WRITE_TRACKING_AVAILABLE ? WRITE_TRACKING_AVAILABLE : WRITE_TRACKING_COMPATIBLE);
}

static uint64_t ask_kernel(const MigrationHost *host, int variant, HostQuestion question, KnownFacts *known)
{
    if (question == ASK_POSTCOPY) {
        PostcopySupport support = probe_postcopy(variant, host->blocks, host->count, host->target_page_size);
        known->block_length = support.block_length;
        known->block_page_size = support.block_page_size;
        return pack_postcopy(&support);
    }
    HostFacts facts;
    probe_write_tracking(variant, host->blocks, host->count, facts.write_tracking);
    return pack_write_tracking(facts.write_tracking);
}

void migration_host_ask(MigrationHost *host, int variant, HostQuestion question)
{
    KnownFacts *known = &host->known[variant];
    _Atomic uint64_t *fact = question == ASK_POSTCOPY ? &known->postcopy : &known->write_tracking;
    uint64_t word = *fact, refreshes = word & REFRESHES;
    uint64_t answer = ask_kernel(host, variant, question, known);

    do {
        bool refreshed = (word & REFRESHES) != refreshes;
        if (is_known(word) || refreshed) {
            return;
        }
    } while (!atomic_compare_exchange_weak(fact, &word, word | answer));
}

int migration_host_write_tracking(MigrationHost *host, int variant, int scope)
{
    uint64_t word;
    if (variant < 0 || variant >= PROBE_VARIANT__MAX || scope < 0 || scope >= WRITE_TRACKING_SCOPE__MAX) {
        return WRITE_TRACKING_UNKNOWN;
    }
    while (!is_known(word = host->known[variant].write_tracking)) {
        migration_host_ask(host, variant, ASK_WRITE_TRACKING_AVAILABLE);
    }
    return unpack_write_tracking(word, scope);
}

PostcopySupport migration_host_postcopy(MigrationHost *host, int variant)
{
    uint64_t word;
    if (variant < 0 || variant >= PROBE_VARIANT__MAX) {
        return (PostcopySupport){.ok = false};
    }
    while (!is_known(word = host->known[variant].postcopy)) {
        migration_host_ask(host, variant, ASK_POSTCOPY);
    }
    return unpack_postcopy(&host->known[variant], word);
}
