/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_MEMORY_H
#define PYMIG_MEMORY_H

#include "pymig.h"

/* A block of guest memory as QEMU would map it, but small. */
typedef struct MappedBlock {
    void *start;
    size_t mapped; /* bytes that are mapped, a multiple of page_size */
    size_t length; /* bytes to register; the same remainder by page_size as the block's length */
} MappedBlock;

/* The properties of a block, found by opening its file. */
typedef struct BlockBacking {
    uint64_t page_size; /* in bytes */
    uint64_t length;    /* the block's used length in bytes: its size in whole pages of the host */
    int file_system;    /* enum RamFileSystem */
} BlockBacking;

/* The host's page size in bytes. */
size_t host_page_size(void);

/* 0 or a negative errno. */
int ram_block_inspect(const RamBlock *block, BlockBacking *backing);

/* Maps it without changing what its path points to. 0 or a negative errno. */
int ram_block_map(const RamBlock *block, MappedBlock *mapped);

void ram_block_unmap(MappedBlock *mapped);

#endif
