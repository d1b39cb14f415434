/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers written out in uffd_abi.h are those of the system's header, as far as it knows them. */
#include "check.h"

#include <linux/userfaultfd.h>
#include <string.h>

#include "host/uffd_abi.h"

static void structures_and_ioctls(void **unused)
{
    (void)unused;
    assert_int_equal(sizeof(struct uffd_abi_api), sizeof(struct uffdio_api));
    assert_int_equal(sizeof(struct uffd_abi_range), sizeof(struct uffdio_range));
    assert_int_equal(sizeof(struct uffd_abi_register), sizeof(struct uffdio_register));
    assert_int_equal(offsetof(struct uffd_abi_register, mode), offsetof(struct uffdio_register, mode));
    assert_int_equal(offsetof(struct uffd_abi_register, ioctls), offsetof(struct uffdio_register, ioctls));
    assert_int_equal(UFFD_ABI_API, UFFD_API);
    assert_int_equal(UFFD_ABI_IOC_API, UFFDIO_API);
    assert_int_equal(UFFD_ABI_IOC_REGISTER, UFFDIO_REGISTER);
    assert_int_equal(UFFD_ABI_IOC_UNREGISTER, UFFDIO_UNREGISTER);
    assert_int_equal(UFFD_ABI_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_MISSING);
    assert_int_equal(UFFD_ABI_NR_WAKE, _UFFDIO_WAKE);
    assert_int_equal(UFFD_ABI_NR_COPY, _UFFDIO_COPY);
    assert_int_equal(UFFD_ABI_NR_ZEROPAGE, _UFFDIO_ZEROPAGE);
#ifdef UFFDIO_REGISTER_MODE_WP
    assert_int_equal(UFFD_ABI_REGISTER_MODE_WP, UFFDIO_REGISTER_MODE_WP);
    assert_int_equal(UFFD_ABI_NR_WRITEPROTECT, _UFFDIO_WRITEPROTECT);
#endif
#ifdef _UFFDIO_CONTINUE
    assert_int_equal(UFFD_ABI_NR_CONTINUE, _UFFDIO_CONTINUE);
#endif
#ifdef _UFFDIO_POISON
    assert_int_equal(UFFD_ABI_NR_POISON, _UFFDIO_POISON);
#endif
#ifdef _UFFDIO_MOVE
    assert_int_equal(UFFD_ABI_NR_MOVE, _UFFDIO_MOVE);
#endif
#ifdef USERFAULTFD_IOC_NEW
    assert_int_equal(UFFD_ABI_IOC_NEW, USERFAULTFD_IOC_NEW);
#endif
}

static void features(void **unused)
{
    (void)unused;
    static const struct {
        int bit;
        uint64_t value;
    } known[] = {
        {UFFD_ABI_FEATURE_PAGEFAULT_FLAG_WP, UFFD_FEATURE_PAGEFAULT_FLAG_WP},
        {UFFD_ABI_FEATURE_EVENT_FORK, UFFD_FEATURE_EVENT_FORK},
        {UFFD_ABI_FEATURE_EVENT_REMAP, UFFD_FEATURE_EVENT_REMAP},
        {UFFD_ABI_FEATURE_EVENT_REMOVE, UFFD_FEATURE_EVENT_REMOVE},
        {UFFD_ABI_FEATURE_MISSING_HUGETLBFS, UFFD_FEATURE_MISSING_HUGETLBFS},
        {UFFD_ABI_FEATURE_MISSING_SHMEM, UFFD_FEATURE_MISSING_SHMEM},
        {UFFD_ABI_FEATURE_EVENT_UNMAP, UFFD_FEATURE_EVENT_UNMAP},
        {UFFD_ABI_FEATURE_SIGBUS, UFFD_FEATURE_SIGBUS},
        {UFFD_ABI_FEATURE_THREAD_ID, UFFD_FEATURE_THREAD_ID},
#ifdef UFFD_FEATURE_MINOR_HUGETLBFS
        {UFFD_ABI_FEATURE_MINOR_HUGETLBFS, UFFD_FEATURE_MINOR_HUGETLBFS},
#endif
#ifdef UFFD_FEATURE_MINOR_SHMEM
        {UFFD_ABI_FEATURE_MINOR_SHMEM, UFFD_FEATURE_MINOR_SHMEM},
#endif
#ifdef UFFD_FEATURE_EXACT_ADDRESS
        {UFFD_ABI_FEATURE_EXACT_ADDRESS, UFFD_FEATURE_EXACT_ADDRESS},
#endif
#ifdef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
        {UFFD_ABI_FEATURE_WP_HUGETLBFS_SHMEM, UFFD_FEATURE_WP_HUGETLBFS_SHMEM},
#endif
#ifdef UFFD_FEATURE_WP_UNPOPULATED
        {UFFD_ABI_FEATURE_WP_UNPOPULATED, UFFD_FEATURE_WP_UNPOPULATED},
#endif
#ifdef UFFD_FEATURE_POISON
        {UFFD_ABI_FEATURE_POISON, UFFD_FEATURE_POISON},
#endif
#ifdef UFFD_FEATURE_WP_ASYNC
        {UFFD_ABI_FEATURE_WP_ASYNC, UFFD_FEATURE_WP_ASYNC},
#endif
#ifdef UFFD_FEATURE_MOVE
        {UFFD_ABI_FEATURE_MOVE, UFFD_FEATURE_MOVE},
#endif
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_int_equal((uint64_t)1 << known[i].bit, known[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structures_and_ioctls),
        cmocka_unit_test(features),
    };
    return cmocka_run_group_tests_name("userfaultfd ABI", tests, NULL, NULL);
}
