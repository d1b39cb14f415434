/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "host/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "host/memory.h"
#include "host/seccomp.h"
#include "host/uffd.h"

static UffdOpener opener_of(int variant)
{
    return variant == PROBE_7_2 ? uffd_opener_by_syscall() : (UffdOpener){0};
}

/* ---- Write tracking ---- */

/* All features of the kernel. Opens another descriptor, because UFFDIO_API works only once on each. Returns 0 or a
 * negative errno. */
static int query_features(UffdOpener *opener, struct uffd_abi_api *answer)
{
    int ufd = uffd_open(opener);
    if (ufd < 0) {
        return ufd;
    }
    int result = uffd_api(ufd, 0, answer);
    close(ufd);
    return result;
}

/* 1, 0 or a negative errno. */
static int tracks_writes(UffdOpener *opener)
{
    struct uffd_abi_api answer;
    int result = query_features(opener, &answer);
    return result < 0 ? result : (answer.features & UFFD_BIT(FEATURE_PAGEFAULT_FLAG_WP)) != 0;
}

/* A descriptor that tracks writes, or a negative errno. */
static int open_write_tracking(UffdOpener *opener)
{
    const uint64_t needed = UFFD_BIT(NR_REGISTER) | UFFD_BIT(NR_UNREGISTER);
    struct uffd_abi_api answer;
    int ufd = uffd_open(opener);
    if (ufd < 0) {
        return ufd;
    }
    int result = uffd_api(ufd, UFFD_BIT(FEATURE_PAGEFAULT_FLAG_WP), &answer);
    if (result == 0 && (answer.ioctls & needed) == needed) {
        return ufd;
    }
    close(ufd);
    return result < 0 ? result : -EOPNOTSUPP;
}

static void track_block(int ufd, const RamBlock *block, RamBlockReport *report)
{
    MappedBlock mapped;
    uint64_t ioctls;

    report->map_error = -ram_block_map(block, &mapped);
    if (report->map_error != 0) {
        return;
    }
    int result = uffd_register_memory(ufd, mapped.start, mapped.length, UFFD_ABI_REGISTER_MODE_WP, &ioctls);
    ram_block_unmap(&mapped); /* unregisters it, too */
    report->register_error = -result;
    report->tracked = result == 0 && (ioctls & UFFD_BIT(NR_WRITEPROTECT));
}

static bool is_passed_over(const RamBlock *block, int scope)
{
    switch (scope) {
    case SCOPE_WITHOUT_SHARED:
        return block->share;
    case SCOPE_WITHOUT_SHARED_FILES:
        return block->share && block->kind == RAM_BLOCK_FILE;
    default:
        return false;
    }
}

static void set_all(int tracking[WRITE_TRACKING_SCOPE__MAX], int value)
{
    for (int i = 0; i < WRITE_TRACKING_SCOPE__MAX; i++) {
        tracking[i] = value;
    }
}

/* The errno for which it was not found out whether the block can be tracked, else 0. */
static int inconclusive_error(const RamBlockReport *report)
{
    int error = report->map_error != 0 ? report->map_error : report->register_error;
    return host_error_is_inconclusive(error) ? error : 0;
}

/* Lowers the answers of the scopes that cover an untracked block. One that can't be tracked decides them, whatever is
 * not known about others. */
static void count_untracked(const RamBlock *block, bool found_out, int tracking[WRITE_TRACKING_SCOPE__MAX])
{
    for (int scope = 0; scope < WRITE_TRACKING_SCOPE__MAX; scope++) {
        if (is_passed_over(block, scope) || tracking[scope] == WRITE_TRACKING_AVAILABLE) {
            continue;
        }
        tracking[scope] = found_out ? WRITE_TRACKING_AVAILABLE : WRITE_TRACKING_UNKNOWN;
    }
}

/* Tries every block, for the answer of every scope and for the reports of the blocks. Returns as write_tracking(). */
static int track_blocks(int ufd, const RamBlock *blocks, size_t count, int tracking[WRITE_TRACKING_SCOPE__MAX],
                        RamBlockReport *reports)
{
    int first_error = 0;
    set_all(tracking, WRITE_TRACKING_COMPATIBLE);
    for (size_t i = 0; i < count; i++) {
        RamBlockReport report = {.register_error = -1, .tracked = blocks[i].readonly};
        if (!blocks[i].readonly) {
            track_block(ufd, &blocks[i], &report);
        }
        if (!report.tracked) {
            int error = inconclusive_error(&report);
            first_error = first_error != 0 ? first_error : error;
            count_untracked(&blocks[i], error == 0, tracking);
        }
        if (reports != NULL) {
            reports[i] = report;
        }
    }
    return first_error;
}

/* `available` is what tracks_writes() returned. Returns the errno for which some scope remains unknown, or 0. */
static int write_tracking(UffdOpener *opener, int available, const RamBlock *blocks, size_t count,
                          int tracking[WRITE_TRACKING_SCOPE__MAX], RamBlockReport *reports)
{
    int ufd = available > 0 ? open_write_tracking(opener) : available;
    if (ufd < 0 && host_error_is_inconclusive(-ufd)) {
        set_all(tracking, WRITE_TRACKING_UNKNOWN);
        return -ufd;
    }
    if (available <= 0 || ufd < 0) {
        set_all(tracking, available > 0 ? WRITE_TRACKING_AVAILABLE : WRITE_TRACKING_ABSENT);
        return 0;
    }
    int error = track_blocks(ufd, blocks, count, tracking, reports);
    close(ufd);
    return error;
}

bool ram_write_tracking_available(void)
{
    int saved_errno = errno;
    UffdOpener opener = {0};
    int available = tracks_writes(&opener);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return available > 0;
}

bool ram_write_tracking_compatible(const RamBlock *blocks, size_t count, bool ignore_shared)
{
    int saved_errno = errno, tracking[WRITE_TRACKING_SCOPE__MAX];
    UffdOpener opener = {0};
    write_tracking(&opener, 1, blocks, count, tracking, NULL);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return tracking[ignore_shared ? SCOPE_WITHOUT_SHARED : SCOPE_ALL_BLOCKS] == WRITE_TRACKING_COMPATIBLE;
}

int probe_write_tracking(int variant, const RamBlock *blocks, size_t count, int tracking[WRITE_TRACKING_SCOPE__MAX])
{
    int saved_errno = errno;
    UffdOpener opener = opener_of(variant);
    int error = write_tracking(&opener, tracks_writes(&opener), blocks, count, tracking, NULL);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return error;
}

/* ---- Postcopy ---- */

static const PostcopySupport supported = {.ok = true};

static PostcopySupport fails(PostcopyStep step, int result, uint64_t detail)
{
    return (PostcopySupport){.step = step, .error = result < 0 ? -result : 0, .detail = (uint32_t)detail};
}

/* Steps 4 to 6: the features, and the ioctls that come with them. */
static PostcopySupport check_and_apply_features(UffdOpener *opener, int ufd, uint64_t *features)
{
    enum {
        DESCRIPTOR = 1,
        API = 2
    };
    const uint64_t needed = UFFD_BIT(NR_REGISTER) | UFFD_BIT(NR_UNREGISTER);
    struct uffd_abi_api answer;
    int second = uffd_open(opener);
    if (second < 0) {
        return fails(POSTCOPY_STEP_QUERY_FEATURES, second, DESCRIPTOR);
    }
    int result = uffd_api(second, 0, &answer);
    close(second);
    if (result < 0) {
        return fails(POSTCOPY_STEP_QUERY_FEATURES, result, API);
    }

    *features = answer.features;
    uint64_t asked = answer.features & UFFD_BIT(FEATURE_THREAD_ID);
    result = uffd_api(ufd, asked, &answer);
    if (result < 0) {
        return fails(POSTCOPY_STEP_REQUEST_FEATURES, result, asked);
    }
    uint64_t missing = needed & ~answer.ioctls;
    return missing ? fails(POSTCOPY_STEP_API_IOCTLS, 0, asked | missing << 16) : supported;
}

/* Steps 8 and 9 for one block. */
static int refusing_step(const BlockBacking *backing, int variant)
{
    if (backing->length % backing->page_size != 0) {
        return POSTCOPY_STEP_BLOCK_LENGTH;
    }
    if (variant == PROBE_REFERENCE && backing->file_system == RAM_FILE_SYSTEM_OTHER) {
        return POSTCOPY_STEP_FILE_SYSTEM;
    }
    return POSTCOPY_STEP_NONE;
}

/* Steps 7 to 9. Step 7 depends on all blocks, so their properties are read first. */
static PostcopySupport check_blocks(int variant, const RamBlock *blocks, size_t count, uint64_t features,
                                    RamBlockReport *reports)
{
    uint64_t page_sizes = 0;
    PostcopySupport first = supported;

    for (size_t i = 0; i < count; i++) {
        BlockBacking backing = {0};
        int result = ram_block_inspect(&blocks[i], &backing);
        int step = result < 0 ? POSTCOPY_STEP_MEMORY : refusing_step(&backing, variant);
        page_sizes |= backing.page_size;
        if (step != POSTCOPY_STEP_NONE && first.ok) {
            first = fails(step, result, i);
            first.block_length = backing.length;
            first.block_page_size = backing.page_size;
        }
        if (reports != NULL) {
            reports[i].postcopy_step = step;
            reports[i].page_size = backing.page_size;
            reports[i].file_system = backing.file_system;
            reports[i].map_error = reports[i].map_error == 0 && result < 0 ? -result : reports[i].map_error;
        }
    }
    bool huge_pages = page_sizes != host_page_size();
    if (huge_pages && !(features & UFFD_BIT(FEATURE_MISSING_HUGETLBFS))) {
        return fails(POSTCOPY_STEP_HUGE_PAGES, 0, 0);
    }
    return first;
}

/* Steps 11 to 14: registers one page. */
static PostcopySupport register_test_page(int ufd)
{
    const uint64_t needed = UFFD_BIT(NR_WAKE) | UFFD_BIT(NR_COPY) | UFFD_BIT(NR_ZEROPAGE);
    PostcopySupport support = supported;
    MappedBlock page;
    uint64_t ioctls;
    int result = ram_block_map(&(RamBlock){.kind = RAM_BLOCK_ANONYMOUS}, &page);
    if (result < 0) {
        return fails(POSTCOPY_STEP_MAP, result, 0);
    }
    if ((result = uffd_register_memory(ufd, page.start, page.length, UFFD_ABI_REGISTER_MODE_MISSING, &ioctls)) < 0) {
        support = fails(POSTCOPY_STEP_REGISTER, result, 0);
    } else if ((result = uffd_unregister_memory(ufd, page.start, page.length)) < 0) {
        support = fails(POSTCOPY_STEP_UNREGISTER, result, 0);
    } else if (needed & ~ioctls) {
        support = fails(POSTCOPY_STEP_RANGE_IOCTLS, 0, needed & ~ioctls);
    }
    ram_block_unmap(&page);
    return support;
}

static PostcopySupport postcopy_on(int ufd, UffdOpener *opener, int variant, const RamBlock *blocks, size_t count,
                                   RamBlockReport *reports)
{
    uint64_t features;
    PostcopySupport support = check_and_apply_features(opener, ufd, &features);
    if (support.ok) {
        support = check_blocks(variant, blocks, count, features, reports);
    }
    if (!support.ok) {
        return support;
    }
    int result = munlockall_would_work();
    return result < 0 ? fails(POSTCOPY_STEP_MUNLOCKALL, result, 0) : register_test_page(ufd);
}

static PostcopySupport postcopy(UffdOpener *opener, int variant, const RamBlock *blocks, size_t count,
                                uint64_t target_page_size, RamBlockReport *reports)
{
    if (target_page_size > host_page_size()) {
        return fails(POSTCOPY_STEP_TARGET_PAGE_SIZE, 0, 0);
    }
    int ufd = uffd_open(opener);
    if (ufd < 0) {
        return fails(POSTCOPY_STEP_OPEN, ufd, 0);
    }
    PostcopySupport support = postcopy_on(ufd, opener, variant, blocks, count, reports);
    close(ufd);
    return support;
}

PostcopySupport probe_postcopy(int variant, const RamBlock *blocks, size_t count, uint64_t target_page_size)
{
    int saved_errno = errno;
    UffdOpener opener = opener_of(variant);
    PostcopySupport support = postcopy(&opener, variant, blocks, count, target_page_size, NULL);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return support;
}

PostcopySupport postcopy_ram_supported_by_host(const RamBlock *blocks, size_t count, uint64_t target_page_size)
{
    return probe_postcopy(PROBE_REFERENCE, blocks, count, target_page_size);
}

/* ---- Everything ---- */

static UffdReport report_uffd(UffdOpener *opener)
{
    UffdReport report = {.api_error = -1};
    struct uffd_abi_api answer;
    int ufd = uffd_open(opener);

    report.device_error = opener->device < 0 ? -opener->device : 0;
    report.open_error = ufd < 0 ? -ufd : 0;
    if (ufd >= 0) {
        int result = uffd_api(ufd, 0, &answer);
        close(ufd);
        report.api_error = -result;
        if (result == 0) {
            report.features = answer.features;
            report.ioctls = answer.ioctls;
        }
    }
    return report;
}

/* As tracks_writes(). */
static int tracks_writes_by_report(const UffdReport *uffd)
{
    int error = uffd->open_error != 0 ? uffd->open_error : uffd->api_error;
    return error != 0 ? -error : (uffd->features & UFFD_BIT(FEATURE_PAGEFAULT_FLAG_WP)) != 0;
}

/* 8.0 does not check file systems, so its probe continues where the reference's fails at that step. */
static HostFacts facts_of_8_0(const HostFacts *reference, UffdOpener *opener, const RamBlock *blocks, size_t count,
                              uint64_t target_page_size)
{
    HostFacts facts = *reference;
    if (facts.postcopy.step == POSTCOPY_STEP_FILE_SYSTEM) {
        facts.postcopy = postcopy(opener, PROBE_8_0, blocks, count, target_page_size, NULL);
    }
    return facts;
}

/* 7.2 opens userfaultfd only by the system call. A descriptor's features do not depend on how it was opened. */
static HostFacts facts_of_7_2(const HostFacts *facts_of_8_0, const UffdOpener *opener)
{
    HostFacts facts = *facts_of_8_0;
    UffdOpener by_syscall = uffd_opener_by_syscall();
    int ufd = opener->device >= 0 ? uffd_open(&by_syscall) : 0;
    if (ufd > 0) {
        close(ufd);
    }
    if (ufd < 0) {
        bool unknown = host_error_is_inconclusive(-ufd);
        set_all(facts.write_tracking, unknown ? WRITE_TRACKING_UNKNOWN : WRITE_TRACKING_ABSENT);
        facts.write_tracking_error = unknown ? -ufd : 0;
        if (facts.postcopy.step != POSTCOPY_STEP_TARGET_PAGE_SIZE) {
            facts.postcopy = fails(POSTCOPY_STEP_OPEN, ufd, 0);
        }
    }
    return facts;
}

HostReport host_probe(const RamBlock *blocks, size_t count, uint64_t target_page_size, RamBlockReport *reports)
{
    int saved_errno = errno;
    UffdOpener opener = {0};
    HostReport report = {.uffd = report_uffd(&opener), .page_size = host_page_size()};
    HostFacts *reference = &report.facts[PROBE_REFERENCE];
    int available = tracks_writes_by_report(&report.uffd);

    for (size_t i = 0; reports != NULL && i < count; i++) {
        reports[i] = (RamBlockReport){.register_error = -1};
    }
    reference->write_tracking_error =
        write_tracking(&opener, available, blocks, count, reference->write_tracking, reports);
    reference->postcopy = postcopy(&opener, PROBE_REFERENCE, blocks, count, target_page_size, reports);
    report.facts[PROBE_8_0] = facts_of_8_0(reference, &opener, blocks, count, target_page_size);
    report.facts[PROBE_7_2] = facts_of_7_2(&report.facts[PROBE_8_0], &opener);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return report;
}
