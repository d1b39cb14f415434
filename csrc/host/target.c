/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "host/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cgroup.h"

enum {
    LINE_SIZE = 4096,
    PATH_SIZE = 512
};

/* A line of /proc/PID/status and so on: its length is no matter. */
typedef void (*TakeLine)(Target *target, char *line);

static int open_of(int pid, const char *name, int flags)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    int fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int read_lines(Target *target, const char *name, TakeLine take)
{
    char *line = NULL;
    size_t size = 0;
    int fd = open_of(target->pid, name, O_RDONLY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

    if (file == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return fd < 0 ? fd : -ENOMEM;
    }
    while (getline(&line, &size, file) >= 0) {
        take(target, line);
    }
    int result = feof(file) ? 0 : ferror(file) ? -ESRCH : -ENOMEM;
    free(line);
    fclose(file);
    return result;
}

/* ---- /proc/PID/status ---- */

static void take_ids(const char *text, uint32_t ids[3])
{
    sscanf(text, "%" SCNu32 " %" SCNu32 " %" SCNu32, &ids[0], &ids[1], &ids[2]);
}

static void take_groups(Target *target, char *text)
{
    char *end;
    for (long group = strtol(text, &end, 10); end != text; group = strtol(text, &end, 10)) {
        gid_t *more = realloc(target->groups, (target->n_groups + 1) * sizeof(*more));
        if (more == NULL) {
            target->errors[PROCESS_GROUPS] = ENOMEM;
            return;
        }
        target->groups = more;
        target->groups[target->n_groups++] = (gid_t)group;
        text = end;
    }
}

static void take_status(Target *target, char *line)
{
    char *value = strchr(line, ':');
    if (value == NULL) {
        return;
    }
    *value++ = '\0';
    const struct {
        const char *name;
        uint64_t *set;
    } capabilities[] = {
        {"CapInh", &target->inheritable},
        {"CapPrm", &target->permitted},
        {"CapEff", &target->effective},
        {"CapBnd", &target->bounding},
    };
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        if (strcmp(line, capabilities[i].name) == 0) {
            *capabilities[i].set = strtoull(value, NULL, 16);
        }
    }
    if (strcmp(line, "Uid") == 0) {
        take_ids(value, target->uids);
    } else if (strcmp(line, "Gid") == 0) {
        take_ids(value, target->gids);
    } else if (strcmp(line, "Groups") == 0) {
        take_groups(target, value);
    } else if (strcmp(line, "Seccomp") == 0) {
        target->seccomp_mode = atoi(value);
    } else if (strcmp(line, "TracerPid") == 0) {
        target->is_traced = atoi(value) != 0;
    } else if (strcmp(line, "State") == 0 && strchr("ZX", value[strspn(value, " \t")]) != NULL) {
        target->pid = -1;
    }
}

/* ---- Namespaces ---- */

static bool is_own(int fd, const char *name)
{
    char path[PATH_SIZE];
    struct stat theirs, ours;
    snprintf(path, sizeof(path), "/proc/self/%s", name);
    return fstat(fd, &theirs) == 0 && stat(path, &ours) == 0 && theirs.st_dev == ours.st_dev &&
           theirs.st_ino == ours.st_ino;
}

static TargetNamespace read_namespace(Target *target, const char *name, int trait)
{
    TargetNamespace found = {.fd = open_of(target->pid, name, O_RDONLY), .trait = trait};
    if (found.fd < 0) {
        target->errors[trait] = -found.fd;
    } else if (is_own(found.fd, name)) {
        close(found.fd);
        found.fd = -1;
    }
    return found;
}

static void read_network(Target *target)
{
    int fd = open_of(target->pid, "ns/net", O_RDONLY);
    target->network_error = fd < 0 ? -fd : 0;
    if (fd >= 0 && is_own(fd, "ns/net")) {
        close(fd);
    } else {
        target->network = fd;
    }
}

/* The mount namespace first, while all capabilities are still there; the user namespace, which gives new ones, last. */
static void read_namespaces(Target *target)
{
    target->namespaces[0] = read_namespace(target, "ns/pid", PROCESS_PID_NAMESPACE);
    target->namespaces[1] = read_namespace(target, "ns/mnt", PROCESS_MOUNT_NAMESPACE);
    target->namespaces[2] = read_namespace(target, "ns/user", PROCESS_USER_NAMESPACE);
}

/* ---- The root directory, the cgroups, the limits, the label ---- */

static void read_root(Target *target)
{
    target->root = open_of(target->pid, "root", O_PATH | O_DIRECTORY);
    if (target->root < 0) {
        target->errors[PROCESS_ROOT] = -target->root;
    } else if (is_own(target->root, "root")) {
        close(target->root);
        target->root = -1;
    }
}

/* Whether the file of the process has the same contents as the caller's. */
static bool same_file(int pid, const char *name)
{
    char texts[2][LINE_SIZE];
    ssize_t lengths[2];
    for (int i = 0; i < 2; i++) {
        int fd = open_of(i == 0 ? pid : getpid(), name, O_RDONLY);
        lengths[i] = fd < 0 ? -1 : read(fd, texts[i], sizeof(texts[i]));
        if (fd >= 0) {
            close(fd);
        }
    }
    return lengths[0] >= 0 && lengths[0] == lengths[1] && memcmp(texts[0], texts[1], (size_t)lengths[0]) == 0;
}

/* The hierarchies that decide what a process is let do: by a device program, or by a limit of huge pages. Version 2 has
 * both; of version 1, each controller that is not there has its own. */
static const char *const hierarchies[N_CGROUPS] = {"", "devices", "hugetlb"};

static void read_cgroups(Target *target)
{
    for (int i = 0; i < N_CGROUPS; i++) {
        target->cgroups[i] = cgroup_open(target->pid, hierarchies[i]);
        if (target->cgroups[i] < 0 && target->cgroups[i] != -ENODEV) {
            target->errors[PROCESS_CGROUP] = -target->cgroups[i];
        }
    }
}

static const struct {
    const char *name;
    int resource;
} limit_names[N_LIMITS] = {
    {"Max locked memory", RLIMIT_MEMLOCK},
    {"Max file size", RLIMIT_FSIZE},
    {"Max open files", RLIMIT_NOFILE},
};

static rlim_t limit_of(const char *word)
{
    return strcmp(word, "unlimited") == 0 ? RLIM_INFINITY : (rlim_t)strtoull(word, NULL, 10);
}

static void take_limit(Target *target, char *line)
{
    char soft[32], hard[32];
    for (int i = 0; i < N_LIMITS; i++) {
        size_t length = strlen(limit_names[i].name);
        if (strncmp(line, limit_names[i].name, length) == 0 && sscanf(line + length, "%31s %31s", soft, hard) == 2) {
            target->limits[i] = (TargetLimit){limit_names[i].resource, true, {limit_of(soft), limit_of(hard)}};
        }
    }
}

static void read_limits(Target *target)
{
    int result = read_lines(target, "limits", take_limit);
    target->errors[PROCESS_LIMITS] = result < 0 ? -result : 0;
}

static void read_label(Target *target)
{
    int fd = same_file(target->pid, "attr/current") ? -1 : open_of(target->pid, "attr/current", O_RDONLY);
    ssize_t length = fd < 0 ? 0 : read(fd, target->label, sizeof(target->label) - 1);
    target->label[length < 0 ? 0 : length] = '\0';
    target->label[strcspn(target->label, "\n")] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

/* A child has this program's architecture, whose numbers of system calls a filter may not expect. */
static void compare_architecture(Target *target)
{
    unsigned char header[2][EI_NIDENT + 4] = {{0}};
    for (int i = 0; i < 2; i++) {
        int fd = open_of(i == 0 ? target->pid : getpid(), "exe", O_RDONLY);
        if (fd >= 0) {
            ssize_t length = read(fd, header[i], sizeof(header[i]));
            close(fd);
            header[i][EI_CLASS] = length < 0 ? 0 : header[i][EI_CLASS];
        }
    }
    bool is_known = header[0][EI_CLASS] != 0 && header[1][EI_CLASS] != 0;
    bool is_same = header[0][EI_CLASS] == header[1][EI_CLASS] && memcmp(header[0] + 18, header[1] + 18, 2) == 0;
    target->errors[PROCESS_ARCHITECTURE] = is_known && !is_same ? ENOEXEC : 0;
}

/* ---- All of it ---- */

static void clear(Target *target)
{
    *target = (Target){.pidfd = -1, .network = -1, .root = -1, .bounding = UINT64_MAX};
    for (int i = 0; i < N_NAMESPACES; i++) {
        target->namespaces[i].fd = -1;
    }
    for (int i = 0; i < N_CGROUPS; i++) {
        target->cgroups[i] = -1;
    }
}

int target_of_process(Target *target, int pid)
{
    clear(target);
    if (pid <= 0) {
        return -ESRCH;
    }
    target->pid = pid;
    target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (target->pidfd < 0) {
        return errno == EINVAL ? -ESRCH : -errno; /* EINVAL: a thread's number */
    }
    int result = read_lines(target, "status", take_status);
    if (result == -ENOENT || target->pid < 0) {
        return -ESRCH;
    }
    if (result < 0) {
        return result;
    }
    read_namespaces(target);
    read_network(target);
    read_root(target);
    read_cgroups(target);
    read_limits(target);
    read_label(target);
    compare_architecture(target);
    return 0;
}

int target_of_user(Target *target, uid_t uid, gid_t gid, const uint32_t *groups, size_t n_groups)
{
    clear(target);
    for (int i = 0; i < 3; i++) {
        target->uids[i] = uid;
        target->gids[i] = gid;
    }
    target->groups = calloc(n_groups + 1, sizeof(*target->groups));
    if (target->groups == NULL) {
        return -ENOMEM;
    }
    for (; target->n_groups < n_groups; target->n_groups++) {
        target->groups[target->n_groups] = groups[target->n_groups];
    }
    return 0;
}

bool target_is_alive(const Target *target)
{
    struct pollfd ended = {.fd = target->pidfd, .events = POLLIN};
    return target->pid == 0 || poll(&ended, 1, 0) == 0;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void target_release(Target *target)
{
    close_if_open(target->pidfd);
    close_if_open(target->network);
    close_if_open(target->root);
    for (int i = 0; i < N_NAMESPACES; i++) {
        close_if_open(target->namespaces[i].fd);
    }
    for (int i = 0; i < N_CGROUPS; i++) {
        close_if_open(target->cgroups[i]);
    }
    free(target->groups);
    target->groups = NULL;
}
