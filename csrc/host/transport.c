/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a migration's transport needs of the host. QEMU asks when the migration starts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pymig.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

enum {
    MOST_RDMA_DEVICES = 32
}; /* IB_UVERBS_NUM_FIXED_MINOR: nodes with fixed numbers */

static int zero_copy(void)
{
    int on = 1;
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = tcp < 0 || setsockopt(tcp, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) < 0 ? errno : 0;
    if (tcp >= 0) {
        close(tcp);
    }
    return error;
}

static int open_node(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

/* The first device that can be opened; else why not, which is ENOENT only if there is none. */
static int rdma_device(void)
{
    char path[] = "/dev/infiniband/uverbs??";
    char *number = strchr(path, '?');
    int found = ENOENT;
    for (int i = 0; i < MOST_RDMA_DEVICES; i++) {
        number[0] = (char)('0' + (i < 10 ? i : i / 10));
        number[1] = i < 10 ? '\0' : (char)('0' + i % 10);
        number[2] = '\0';
        int error = open_node(path);
        if (error == 0) {
            return 0;
        }
        found = error == ENOENT ? found : error;
    }
    return found;
}

static int rdma(void)
{
    int error = rdma_device();
    return error != 0 ? error : open_node("/dev/infiniband/rdma_cm");
}

int host_transport_error(int transport)
{
    static int (*const questions[TRANSPORT__MAX])(void) = {
        [TRANSPORT_ZERO_COPY] = zero_copy,
        [TRANSPORT_RDMA] = rdma,
    };
    if (transport < 0 || transport >= TRANSPORT__MAX) {
        return EINVAL;
    }
    int saved_errno = errno;
    int error = questions[transport]();
    errno = saved_errno;
    return error;
}
