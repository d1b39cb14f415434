/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts of a host, kept in one atomic word: no lock, so nothing to hang on in a child after fork().
 *
 *   bits  0..1   write tracking, unknown 0           bits  6..9   postcopy's failing step
 *   bits  2..3   the same, shared blocks passed over  bits 10..21  its errno
 *   bit   4      postcopy has been asked             bits 22..53  its detail
 *   bit   5      postcopy is supported               bits 54..63  refreshes, so that an answer that was under way
 *                                                                  when refresh() came is not kept
 */
#include "host.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

#define REFRESH_UNIT ((uint64_t)1 << 54)
#define REFRESHES (~(REFRESH_UNIT - 1))
#define POSTCOPY_ASKED ((uint64_t)1 << 4)

struct MigrationHost {
    _Atomic uint64_t facts;
    bool stated;
    uint64_t target_page_size;
    size_t count;
    RamBlock blocks[];
};

static uint64_t pack_write_tracking(int all, int ignore_shared)
{
    return (uint64_t)all | (uint64_t)ignore_shared << 2;
}

static int unpack_write_tracking(uint64_t facts, bool ignore_shared)
{
    return facts >> (ignore_shared ? 2 : 0) & 3;
}

static uint64_t pack_postcopy(const PostcopySupport *support)
{
    return POSTCOPY_ASKED | (uint64_t)support->ok << 5 | (uint64_t)(support->step & 0xf) << 6 |
           (uint64_t)(support->error & 0xfff) << 10 | (uint64_t)support->detail << 22;
}

static PostcopySupport unpack_postcopy(uint64_t facts)
{
    return (PostcopySupport){
        .ok = facts >> 5 & 1,
        .step = facts >> 6 & 0xf,
        .error = facts >> 10 & 0xfff,
        .detail = (uint32_t)(facts >> 22),
    };
}

static MigrationHost *host_new(const RamBlock *blocks, size_t count)
{
    if (count > (SIZE_MAX - sizeof(MigrationHost)) / sizeof(RamBlock)) {
        return NULL;
    }
    MigrationHost *host = calloc(1, sizeof(*host) + count * sizeof(RamBlock));
    if (host != NULL && count > 0) {
        host->count = count;
        memcpy(host->blocks, blocks, count * sizeof(RamBlock));
    }
    return host;
}

MigrationHost *migration_host_local(const RamBlock *blocks, size_t count, uint64_t target_page_size)
{
    MigrationHost *host = host_new(blocks, count);
    if (host != NULL) {
        host->target_page_size = target_page_size;
    }
    return host;
}

static bool is_write_tracking(int value)
{
    return value >= WRITE_TRACKING_ABSENT && value <= WRITE_TRACKING_COMPATIBLE;
}

MigrationHost *migration_host_stated(int write_tracking, int write_tracking_ignore_shared,
                                     const PostcopySupport *postcopy)
{
    if (!is_write_tracking(write_tracking) || !is_write_tracking(write_tracking_ignore_shared)) {
        return NULL;
    }
    MigrationHost *host = host_new(NULL, 0);
    if (host != NULL) {
        host->stated = true;
        host->facts = pack_write_tracking(write_tracking, write_tracking_ignore_shared) | pack_postcopy(postcopy);
    }
    return host;
}

void migration_host_free(MigrationHost *host)
{
    free(host);
}

void migration_host_refresh(MigrationHost *host)
{
    if (host->stated) {
        return;
    }
    uint64_t facts = host->facts;
    while (!atomic_compare_exchange_weak(&host->facts, &facts, (facts & REFRESHES) + REFRESH_UNIT)) {
    }
}

int migration_host_known(const MigrationHost *host, HostQuestion question, bool ignore_shared)
{
    uint64_t facts = host->facts;
    if (question == ASK_POSTCOPY) {
        return facts & POSTCOPY_ASKED ? unpack_postcopy(facts).ok : -EAGAIN;
    }
    int tracking = unpack_write_tracking(facts, ignore_shared);
    if (tracking == WRITE_TRACKING_UNKNOWN) {
        return -EAGAIN;
    }
    return tracking >=
           (question == ASK_WRITE_TRACKING_AVAILABLE ? WRITE_TRACKING_AVAILABLE : WRITE_TRACKING_COMPATIBLE);
}

/* The kernel's answer, in the bits of the word that are its own. */
static uint64_t ask_kernel(const MigrationHost *host, HostQuestion question, uint64_t *bits)
{
    if (question == ASK_POSTCOPY) {
        PostcopySupport support = postcopy_ram_supported_by_host(host->blocks, host->count, host->target_page_size);
        *bits = ~(REFRESHES | pack_write_tracking(3, 3));
        return pack_postcopy(&support);
    }
    WriteTrackingAnswer answer = probe_write_tracking(host->blocks, host->count);
    *bits = pack_write_tracking(3, 3);
    return pack_write_tracking(answer.all, answer.ignore_shared);
}

void migration_host_ask(MigrationHost *host, HostQuestion question)
{
    uint64_t facts = host->facts, refreshes = facts & REFRESHES, bits;
    uint64_t answer = ask_kernel(host, question, &bits);

    do {
        bool answered = (facts & bits) != 0, refreshed = (facts & REFRESHES) != refreshes;
        if (answered || refreshed) {
            return;
        }
    } while (!atomic_compare_exchange_weak(&host->facts, &facts, facts | answer));
}

/* The facts, with those in `bits` known. */
static uint64_t facts_with(MigrationHost *host, uint64_t bits, HostQuestion question)
{
    uint64_t facts;
    while (((facts = host->facts) & bits) == 0) {
        migration_host_ask(host, question);
    }
    return facts;
}

int migration_host_write_tracking(MigrationHost *host, bool ignore_shared)
{
    uint64_t facts = facts_with(host, pack_write_tracking(3, 3), ASK_WRITE_TRACKING_AVAILABLE);
    return unpack_write_tracking(facts, ignore_shared);
}

PostcopySupport migration_host_postcopy(MigrationHost *host)
{
    return unpack_postcopy(facts_with(host, POSTCOPY_ASKED, ASK_POSTCOPY));
}
