/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reference asks of a host for anonymous memory, call by call and nothing else: whether write tracking is
 * available and compatible, and whether postcopy is supported. The peer of pymig's probe().
 *
 *   reference_probe COUNT [MARK]    asks so often; with a mark, access("MARK") stands before and after in a trace
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

static int api(int ufd, uint64_t features)
{
    struct uffdio_api request = {.api = UFFD_API, .features = features};
    return ioctl(ufd, UFFDIO_API, &request);
}

static int register_page(int ufd, uint64_t mode)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register request = {.range = {(uintptr_t)page, 4096}, .mode = mode};
    int result = ioctl(ufd, UFFDIO_REGISTER, &request) | ioctl(ufd, UFFDIO_UNREGISTER, &request.range);
    munmap(page, 4096);
    return result;
}

static int ask(void)
{
    int failed = 0, device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

    int ufd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
    failed |= api(ufd, 0);
    close(ufd);

    ufd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
    failed |= api(ufd, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    failed |= register_page(ufd, UFFDIO_REGISTER_MODE_WP);
    close(ufd);

    ufd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
    int second = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
    failed |= api(second, 0);
    close(second);
    failed |= api(ufd, UFFD_FEATURE_THREAD_ID);
    failed |= munlockall();
    failed |= register_page(ufd, UFFDIO_REGISTER_MODE_MISSING);
    close(ufd);
    close(device);
    return failed;
}

int main(int argc, char **argv)
{
    struct timespec begin, end;
    int count = argc > 1 ? atoi(argv[1]) : 1, failed = 0;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < count; i++) {
        if (argc > 2) {
            access(argv[2], F_OK);
        }
        failed |= ask();
        if (argc > 2) {
            access(argv[2], F_OK);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.1f\n", ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) / count);
    return failed != 0;
}
