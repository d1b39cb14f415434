/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_MEMORY_H
#define PYMIG_MEMORY_H

#include "pymig.h"

/* A block of guest memory as QEMU would map it, but small. */
typedef struct MappedBlock {
    void *start;
    size_t length;    /* bytes, a multiple of page_size */
    size_t page_size; /* of what backs the block */
} MappedBlock;

/* The host's page size in bytes. */
size_t host_page_size(void);

/* 0 or a negative errno. */
int ram_block_map(const RamBlock *block, MappedBlock *mapped);

void ram_block_unmap(MappedBlock *mapped);

#endif
