/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts of a host, kept in atomic words, two for each flavour of asking: no lock, so nothing to hang on in a child
 * after fork(). The top ten bits of each word count refreshes, so that an answer that was under way when refresh() came
 * is not kept. The rest is
 *
 *   of write tracking   two bits for each of enum IgnoredBlocks, unknown 0
 *   of postcopy         bit 0: has been asked; 1: supported; 2..5: the step; 6..17: its errno; 18..49: its detail
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
} KnownFacts;

struct MigrationHost {
    KnownFacts known[HOST_FLAVOUR__MAX];
    bool stated;
    uint64_t target_page_size;
    size_t count;
    RamBlock blocks[];
};

static uint64_t pack_write_tracking(const int tracking[IGNORED_BLOCKS__MAX])
{
    uint64_t word = 0;
    for (int i = 0; i < IGNORED_BLOCKS__MAX; i++) {
        word |= (uint64_t)tracking[i] << 2 * i;
    }
    return word;
}

static int unpack_write_tracking(uint64_t word, int ignored)
{
    return word >> 2 * ignored & 3;
}

static uint64_t pack_postcopy(const PostcopySupport *support)
{
    return 1 | (uint64_t)support->ok << 1 | (uint64_t)(support->step & 0xf) << 2 |
           (uint64_t)(support->error & 0xfff) << 6 | (uint64_t)support->detail << 18;
}

static PostcopySupport unpack_postcopy(uint64_t word)
{
    return (PostcopySupport){
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

/* ---- Life ---- */

static MigrationHost *host_new(size_t count)
{
    if (count > (SIZE_MAX - sizeof(MigrationHost)) / sizeof(RamBlock)) {
        return NULL;
    }
    MigrationHost *host = calloc(1, sizeof(*host) + count * sizeof(RamBlock));
    if (host != NULL) {
        host->count = count;
    }
    return host;
}

MigrationHost *migration_host_local(const RamBlock *blocks, size_t count, uint64_t target_page_size)
{
    MigrationHost *host = host_new(count);
    if (host == NULL) {
        return NULL;
    }
    host->target_page_size = target_page_size;
    for (size_t i = 0; i < count; i++) {
        host->blocks[i] = blocks[i];
        host->blocks[i].path = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].path != NULL && (host->blocks[i].path = strdup(blocks[i].path)) == NULL) {
            migration_host_free(host);
            return NULL;
        }
    }
    return host;
}

static bool all_known(const int tracking[IGNORED_BLOCKS__MAX])
{
    for (int i = 0; i < IGNORED_BLOCKS__MAX; i++) {
        if (tracking[i] < WRITE_TRACKING_ABSENT || tracking[i] > WRITE_TRACKING_COMPATIBLE) {
            return false;
        }
    }
    return true;
}

MigrationHost *migration_host_stated(const HostFacts facts[HOST_FLAVOUR__MAX])
{
    MigrationHost *host = host_new(0);
    if (host == NULL) {
        return NULL;
    }
    host->stated = true;
    for (int i = 0; i < HOST_FLAVOUR__MAX; i++) {
        if (!all_known(facts[i].write_tracking)) {
            migration_host_free(host);
            return NULL;
        }
        host->known[i].write_tracking = pack_write_tracking(facts[i].write_tracking);
        host->known[i].postcopy = pack_postcopy(&facts[i].postcopy);
    }
    return host;
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
    for (int i = 0; i < HOST_FLAVOUR__MAX && !host->stated; i++) {
        forget(&host->known[i].write_tracking);
        forget(&host->known[i].postcopy);
    }
}

/* ---- Asking ---- */

uint64_t migration_host_page_size(const MigrationHost *host)
{
    return host->stated ? 0 : host_page_size();
}

int migration_host_known(const MigrationHost *host, int flavour, HostQuestion question, int ignored)
{
    const KnownFacts *known = &host->known[flavour];
    if (question == ASK_POSTCOPY) {
        uint64_t word = known->postcopy;
        return is_known(word) ? unpack_postcopy(word).ok : -EAGAIN;
    }
    uint64_t word = known->write_tracking;
    if (!is_known(word)) {
        return -EAGAIN;
    }
    return unpack_write_tracking(word, ignored) >=
           (question == ASK_WRITE_TRACKING_AVAILABLE ? WRITE_TRACKING_AVAILABLE : WRITE_TRACKING_COMPATIBLE);
}

static uint64_t ask_kernel(const MigrationHost *host, int flavour, HostQuestion question)
{
    if (question == ASK_POSTCOPY) {
        PostcopySupport support = probe_postcopy(flavour, host->blocks, host->count, host->target_page_size);
        return pack_postcopy(&support);
    }
    HostFacts facts;
    probe_write_tracking(flavour, host->blocks, host->count, facts.write_tracking);
    return pack_write_tracking(facts.write_tracking);
}

void migration_host_ask(MigrationHost *host, int flavour, HostQuestion question)
{
    KnownFacts *known = &host->known[flavour];
    _Atomic uint64_t *fact = question == ASK_POSTCOPY ? &known->postcopy : &known->write_tracking;
    uint64_t word = *fact, refreshes = word & REFRESHES;
    uint64_t answer = ask_kernel(host, flavour, question);

    do {
        bool refreshed = (word & REFRESHES) != refreshes;
        if (is_known(word) || refreshed) {
            return;
        }
    } while (!atomic_compare_exchange_weak(fact, &word, word | answer));
}

int migration_host_write_tracking(MigrationHost *host, int flavour, int ignored)
{
    uint64_t word;
    if (flavour < 0 || flavour >= HOST_FLAVOUR__MAX || ignored < 0 || ignored >= IGNORED_BLOCKS__MAX) {
        return WRITE_TRACKING_UNKNOWN;
    }
    while (!is_known(word = host->known[flavour].write_tracking)) {
        migration_host_ask(host, flavour, ASK_WRITE_TRACKING_AVAILABLE);
    }
    return unpack_write_tracking(word, ignored);
}

PostcopySupport migration_host_postcopy(MigrationHost *host, int flavour)
{
    uint64_t word;
    if (flavour < 0 || flavour >= HOST_FLAVOUR__MAX) {
        return (PostcopySupport){.ok = false};
    }
    while (!is_known(word = host->known[flavour].postcopy)) {
        migration_host_ask(host, flavour, ASK_POSTCOPY);
    }
    return unpack_postcopy(word);
}
