/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What another process has that decides what the kernel lets it do, as far as /proc tells. */
#ifndef PYMIG_TARGET_H
#define PYMIG_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "pymig.h"

enum {
    N_CGROUPS = 3, /* hierarchies */
    LABEL_SIZE = 256,
    N_NAMESPACES = 3,
    N_LIMITS = 3
};

/* A limit that the probes can run into. Others would limit a child for what it is, not for what it asks. */
typedef struct TargetLimit {
    int resource;
    bool is_known;
    struct rlimit value;
} TargetLimit;

/* A namespace to join: a descriptor, or negative if it is the caller's own. */
typedef struct TargetNamespace {
    int fd;
    int trait; /* enum ProcessTrait */
} TargetNamespace;

/* Ids are those in the caller's own user namespace. */
typedef struct Target {
    int pid;       /* 0: only a user */
    int pidfd;     /* negative if there is no process */
    uid_t uids[3]; /* real, effective, saved */
    gid_t gids[3];
    gid_t *groups;
    size_t n_groups;
    uint64_t inheritable, permitted, effective, bounding; /* capabilities */
    int seccomp_mode;
    bool is_traced;
    TargetNamespace namespaces[N_NAMESPACES]; /* in the order in which they must be joined */
    int network;            /* a descriptor of its network namespace; negative if it is the caller's own, or unknown */
    int network_error;      /* errno for which it is unknown */
    int root;               /* a descriptor of its root directory; negative if there is none */
    int cgroups[N_CGROUPS]; /* descriptors of cgroup.procs to join; negative if there is none */
    TargetLimit limits[N_LIMITS];
    char label[LABEL_SIZE];         /* of a Linux security module; "" if it is the caller's own */
    int errors[PROCESS_TRAIT__MAX]; /* errno for which a trait could not be read */
} Target;

/* Reads what process `pid` has. Returns 0; -ESRCH if there is no such process, or it is a zombie; another negative
 * errno if nothing could be read. Whatever it returns, the target must be released. */
int target_of_process(Target *target, int pid);

/* A user without a process: no capabilities, all else as the caller has it. Returns 0 or -ENOMEM. */
int target_of_user(Target *target, uid_t uid, gid_t gid, const uint32_t *groups, size_t n_groups);

/* Whether the process still exists, so that what was read is its own. */
bool target_is_alive(const Target *target);

void target_release(Target *target);

#endif
