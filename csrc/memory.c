/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

size_t host_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int ram_block_map(const RamBlock *block, MappedBlock *mapped)
{
    mapped->page_size = mapped->length = host_page_size();
    int flags = MAP_ANONYMOUS | (block->share ? MAP_SHARED : MAP_PRIVATE);
    int protection = PROT_READ | (block->readonly ? 0 : PROT_WRITE);
    mapped->start = mmap(NULL, mapped->length, protection, flags, -1, 0);
    return mapped->start == MAP_FAILED ? -errno : 0;
}

void ram_block_unmap(MappedBlock *mapped)
{
    munmap(mapped->start, mapped->length);
}
