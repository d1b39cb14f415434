/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "munlockall.h"
#include "uffd.h"

/* ---- Write tracking ---- */

/* All features that the kernel has. 0 or a negative errno; a descriptor of its own, since UFFDIO_API works but once on
 * each. */
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

static bool write_tracking_available(UffdOpener *opener)
{
    struct uffd_abi_api answer;
    return query_features(opener, &answer) == 0 && (answer.features & UFFD_BIT(FEATURE_PAGEFAULT_FLAG_WP));
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

static bool block_can_be_tracked(int ufd, const RamBlock *block)
{
    MappedBlock mapped;
    uint64_t ioctls;

    if (block->readonly) {
        return true;
    }
    if (ram_block_map(block, &mapped) < 0) {
        return false;
    }
    bool able = uffd_register_memory(ufd, mapped.start, mapped.length, UFFD_ABI_REGISTER_MODE_WP, &ioctls) == 0 &&
                (ioctls & UFFD_BIT(NR_WRITEPROTECT));
    ram_block_unmap(&mapped); /* unregisters it, too */
    return able;
}

static WriteTrackingAnswer track_blocks(UffdOpener *opener, const RamBlock *blocks, size_t count)
{
    WriteTrackingAnswer answer = {WRITE_TRACKING_AVAILABLE, WRITE_TRACKING_AVAILABLE};
    bool shared = true, private = true;
    int ufd = open_write_tracking(opener);
    if (ufd < 0) {
        return answer;
    }
    for (size_t i = 0; private && i < count; i++) {
        bool *able = blocks[i].share ? &shared : &private;
        *able = *able && block_can_be_tracked(ufd, &blocks[i]);
    }
    close(ufd);
    answer.all = shared && private ? WRITE_TRACKING_COMPATIBLE : WRITE_TRACKING_AVAILABLE;
    answer.ignore_shared = private ? WRITE_TRACKING_COMPATIBLE : WRITE_TRACKING_AVAILABLE;
    return answer;
}

static WriteTrackingAnswer write_tracking(UffdOpener *opener, bool available, const RamBlock *blocks, size_t count)
{
    return available ? track_blocks(opener, blocks, count)
                     : (WriteTrackingAnswer){WRITE_TRACKING_ABSENT, WRITE_TRACKING_ABSENT};
}

bool ram_write_tracking_available(void)
{
    int saved_errno = errno;
    UffdOpener opener = {0};
    bool available = write_tracking_available(&opener);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return available;
}

bool ram_write_tracking_compatible(const RamBlock *blocks, size_t count, bool ignore_shared)
{
    int saved_errno = errno;
    UffdOpener opener = {0};
    WriteTrackingAnswer answer = track_blocks(&opener, blocks, count);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return (ignore_shared ? answer.ignore_shared : answer.all) == WRITE_TRACKING_COMPATIBLE;
}

WriteTrackingAnswer probe_write_tracking(const RamBlock *blocks, size_t count)
{
    int saved_errno = errno;
    UffdOpener opener = {0};
    WriteTrackingAnswer answer = write_tracking(&opener, write_tracking_available(&opener), blocks, count);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return answer;
}

/* ---- Postcopy ---- */

static PostcopySupport fails(PostcopyStep step, int result, uint64_t detail)
{
    return (PostcopySupport){.step = step, .error = result < 0 ? -result : 0, .detail = (uint32_t)detail};
}

static const PostcopySupport supported = {.ok = true};

enum { DETAIL_OPEN = 1, DETAIL_API = 2 };

/* Steps 4 to 6: the features, and the ioctls that come with them. */
static PostcopySupport check_and_apply_features(UffdOpener *opener, int ufd)
{
    const uint64_t needed = UFFD_BIT(NR_REGISTER) | UFFD_BIT(NR_UNREGISTER);
    struct uffd_abi_api answer;
    int second = uffd_open(opener);
    if (second < 0) {
        return fails(POSTCOPY_STEP_QUERY_FEATURES, second, DETAIL_OPEN);
    }
    int result = uffd_api(second, 0, &answer);
    close(second);
    if (result < 0) {
        return fails(POSTCOPY_STEP_QUERY_FEATURES, result, DETAIL_API);
    }

    uint64_t asked = answer.features & UFFD_BIT(FEATURE_THREAD_ID);
    result = uffd_api(ufd, asked, &answer);
    if (result < 0) {
        return fails(POSTCOPY_STEP_REQUEST_FEATURES, result, asked);
    }
    uint64_t missing = needed & ~answer.ioctls;
    return missing ? fails(POSTCOPY_STEP_API_IOCTLS, 0, asked | missing << 16) : supported;
}

/* Steps 11 to 14: one page is really registered. */
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

static PostcopySupport postcopy_with(UffdOpener *opener, int ufd)
{
    PostcopySupport support = check_and_apply_features(opener, ufd);
    if (!support.ok) {
        return support;
    }
    /* Steps 7 to 9 look at blocks that are not anonymous. */
    int result = munlockall_would_work();
    if (result < 0) {
        return fails(POSTCOPY_STEP_MUNLOCKALL, result, 0);
    }
    return register_test_page(ufd);
}

static PostcopySupport postcopy(UffdOpener *opener, uint64_t target_page_size)
{
    if (target_page_size > host_page_size()) {
        return fails(POSTCOPY_STEP_TARGET_PAGE_SIZE, 0, 0);
    }
    int ufd = uffd_open(opener);
    if (ufd < 0) {
        return fails(POSTCOPY_STEP_OPEN, ufd, 0);
    }
    PostcopySupport support = postcopy_with(opener, ufd);
    close(ufd);
    return support;
}

PostcopySupport postcopy_ram_supported_by_host(const RamBlock *blocks, size_t count, uint64_t target_page_size)
{
    int saved_errno = errno;
    UffdOpener opener = {0};
    (void)blocks, (void)count;
    PostcopySupport support = postcopy(&opener, target_page_size);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return support;
}

/* ---- Texts ---- */

/* strerror() in QEMU's language whatever the caller's locale is, and without a static buffer. */
static void describe_errno(int error, char *text, size_t size)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    snprintf(text, size, "%s", c != (locale_t)0 ? strerror_l(error, c) : "");
    if (c != (locale_t)0) {
        freelocale(c);
    }
}

#define PROBE "postcopy_ram_supported_by_host"

int postcopy_support_message(const PostcopySupport *support, char *text, size_t size)
{
    int saved_errno = errno, length = 0;
    char error[128];
    unsigned detail = support->detail;
    describe_errno(support->error, error, sizeof(error));

    switch (support->step) {
    case POSTCOPY_STEP_TARGET_PAGE_SIZE:
        length = snprintf(text, size, "Target page size bigger than host page size");
        break;
    case POSTCOPY_STEP_OPEN:
        length = snprintf(text, size, PROBE ": userfaultfd not available: %s", error);
        break;
    case POSTCOPY_STEP_QUERY_FEATURES:
        length = snprintf(text, size, "receive_ufd_features: %s failed: %s\nufd_check_and_apply failed",
                          detail == DETAIL_OPEN ? "uffd_open()" : "UFFDIO_API", error);
        break;
    case POSTCOPY_STEP_REQUEST_FEATURES:
        length = snprintf(text, size,
                          "request_ufd_features failed: UFFDIO_API failed: %s\nufd_check_and_apply failed: features %u",
                          error, detail);
        break;
    case POSTCOPY_STEP_API_IOCTLS:
        length = snprintf(text, size, "Missing userfault features: %x\nufd_check_and_apply failed: features %u",
                          detail >> 16, detail & 0xffff);
        break;
    case POSTCOPY_STEP_MUNLOCKALL:
        length = snprintf(text, size, PROBE ": munlockall: %s", error);
        break;
    case POSTCOPY_STEP_MAP:
        length = snprintf(text, size, PROBE ": Failed to map test area: %s", error);
        break;
    case POSTCOPY_STEP_REGISTER:
        length = snprintf(text, size, PROBE " userfault register: %s", error);
        break;
    case POSTCOPY_STEP_UNREGISTER:
        length = snprintf(text, size, PROBE " userfault unregister: %s", error);
        break;
    case POSTCOPY_STEP_RANGE_IOCTLS:
        length = snprintf(text, size, "Missing userfault map features: %x", detail);
        break;
    default:
        length = snprintf(text, size, "%s", support->ok ? "" : "Postcopy is not supported");
        break;
    }
    errno = saved_errno;
    return length;
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

HostReport host_probe(const RamBlock *blocks, size_t count, uint64_t target_page_size)
{
    int saved_errno = errno;
    UffdOpener opener = {0};
    HostReport report = {.uffd = report_uffd(&opener), .page_size = host_page_size()};
    bool available = report.uffd.features & UFFD_BIT(FEATURE_PAGEFAULT_FLAG_WP);
    WriteTrackingAnswer tracking = write_tracking(&opener, available, blocks, count);

    report.write_tracking = tracking.all;
    report.write_tracking_ignore_shared = tracking.ignore_shared;
    report.postcopy = postcopy(&opener, target_page_size);
    uffd_opener_release(&opener);
    errno = saved_errno;
    return report;
}
