/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of the postcopy probe. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "pymig.h"
#include "qemu/release.h"

/* strerror() in English, whatever the caller's locale, and without a static buffer. */
static void describe_errno(int error, char *text, size_t size)
{
    if (error == PYMIG_ERROR_KILLED) {
        snprintf(text, size, "Bad system call"); /* the shell's text for SIGSYS */
        return;
    }
    if (error == PYMIG_ERROR_UNKNOWN) {
        snprintf(text, size, "Not found out");
        return;
    }
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    snprintf(text, size, "%s", c != (locale_t)0 ? strerror_l(error, c) : "");
    if (c != (locale_t)0) {
        freelocale(c);
    }
}

static int describe_length(const PostcopySupport *support, char *text, size_t size)
{
    if (support->block_page_size == 0) { /* stated without a block */
        return snprintf(text, size, "%s", "");
    }
    return snprintf(text, size,
                    "Postcopy requires RAM blocks to be a page size multiple, block m%" PRIu32 " is 0x%" PRIx64
                    " bytes with a page size of 0x%" PRIx64,
                    support->detail, support->block_length, support->block_page_size);
}

#define PROBE "postcopy_ram_supported_by_host"

/* What QEMU logs up to 8.0.50, for the steps whose text changed later. */
static int describe_logged(const PostcopySupport *support, int release, const char *error, char *text, size_t size)
{
    unsigned detail = support->detail;
    switch (support->step) {
    case POSTCOPY_STEP_OPEN:
        return snprintf(text, size, PROBE ": userfaultfd not available: %s", error);
    case POSTCOPY_STEP_QUERY_FEATURES: {
        const char *open = qemu_release_row(release)->variant == PROBE_7_2 ? "syscall __NR_userfaultfd" : "uffd_open()";
        return snprintf(text, size, "receive_ufd_features: %s failed: %s\nufd_check_and_apply failed",
                        detail == 1 ? open : "UFFDIO_API", error);
    }
    case POSTCOPY_STEP_REQUEST_FEATURES:
        return snprintf(text, size,
                        "request_ufd_features failed: UFFDIO_API failed: %s\nufd_check_and_apply failed: features %u",
                        error, detail);
    case POSTCOPY_STEP_API_IOCTLS:
        return snprintf(text, size, "Missing userfault features: %x\nufd_check_and_apply failed: features %u",
                        detail >> 16, detail & 0xffff);
    case POSTCOPY_STEP_MUNLOCKALL:
        return snprintf(text, size, PROBE ": munlockall: %s", error);
    case POSTCOPY_STEP_MAP:
        return snprintf(text, size, PROBE ": Failed to map test area: %s", error);
    case POSTCOPY_STEP_REGISTER:
        return snprintf(text, size, PROBE " userfault register: %s", error);
    default:
        return snprintf(text, size, PROBE " userfault unregister: %s", error);
    }
}

/* What QMP's error contains from 8.1 on, for the same steps. */
static int describe_reported(const PostcopySupport *support, const char *error, char *text, size_t size)
{
    switch (support->step) {
    case POSTCOPY_STEP_OPEN:
        return snprintf(text, size, "Userfaultfd not available: %s", error);
    case POSTCOPY_STEP_QUERY_FEATURES:
        return snprintf(text, size, "Userfault feature detection failed");
    case POSTCOPY_STEP_REQUEST_FEATURES:
    case POSTCOPY_STEP_API_IOCTLS:
        return snprintf(text, size, "Failed features %u", (unsigned)support->detail & 0xffff);
    case POSTCOPY_STEP_MUNLOCKALL:
        return snprintf(text, size, "munlockall() failed: %s", error);
    case POSTCOPY_STEP_MAP:
        return snprintf(text, size, "Failed to map test area: %s", error);
    case POSTCOPY_STEP_REGISTER:
        return snprintf(text, size, "UFFDIO_REGISTER failed: %s", error);
    default:
        return snprintf(text, size, "UFFDIO_UNREGISTER failed: %s", error);
    }
}

static int describe(const PostcopySupport *support, int release, char *text, size_t size)
{
    char error[128];
    describe_errno(support->error, error, sizeof(error));

    switch (support->ok ? POSTCOPY_STEP_NONE : support->step) {
    case POSTCOPY_STEP_NONE:
        return snprintf(text, size, "%s", "");
    case POSTCOPY_STEP_TARGET_PAGE_SIZE:
        return snprintf(text, size, "Target page size bigger than host page size");
    case POSTCOPY_STEP_DEVICES:
        return snprintf(text, size, "vhost-user backend not capable of postcopy");
    case POSTCOPY_STEP_HUGE_PAGES:
        return snprintf(text, size, "Userfault on this host does not support huge pages");
    case POSTCOPY_STEP_BLOCK_LENGTH:
        return describe_length(support, text, size);
    case POSTCOPY_STEP_FILE_SYSTEM:
        return snprintf(text, size, "Host backend files need to be TMPFS or HUGETLBFS only");
    case POSTCOPY_STEP_RANGE_IOCTLS:
        return snprintf(text, size, "Missing userfault map features: %x", (unsigned)support->detail);
    case POSTCOPY_STEP_MEMORY:
        return snprintf(text, size, "memory block m%" PRIu32 " can't be made: %s", support->detail, error);
    default:
        return qemu_release_row(release)->tells_reason ? describe_reported(support, error, text, size)
                                                       : describe_logged(support, release, error, text, size);
    }
}

int postcopy_support_message(const PostcopySupport *support, int release, char *text, size_t size)
{
    int saved_errno = errno;
    int length = describe(support, release, text, size);
    errno = saved_errno;
    return length;
}
