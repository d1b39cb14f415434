/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the cgroups of a process are. The kernel names them, but not where they can be opened: a hierarchy may be
 * mounted anywhere, or only where others see it. It is not mounted here: that would change the options (nsdelegate
 * and so on) of a hierarchy that the whole machine shares.
 */
#define _GNU_SOURCE
#include "host/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host/system.h"
#include "pymig.h"

#ifndef CGROUP_SUPER_MAGIC
#define CGROUP_SUPER_MAGIC 0x27e0eb
#endif
#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

enum {
    NAME_SIZE = 32 /* of a process in /proc */
};

/* A cgroup that is looked for. */
typedef struct Wanted {
    const char *controller; /* that the hierarchy has; "" for version 2 */
    const char *cgroup;     /* as the caller's cgroup namespace shows it */
    char *path;             /* room for the answer, of PATH_MAX */
} Wanted;

static FILE *open_listing(const char *process, const char *name)
{
    char path[NAME_SIZE + 32];
    snprintf(path, sizeof(path), "/proc/%s/%s", process, name);
    return fopen(path, "re");
}

/* Whether a list "devices,pids" has this word. The empty list has the empty word. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *comma; strncmp(list, word, length) != 0 || strchr(",", list[length]) == NULL; list = comma + 1) {
        comma = strchr(list, ',');
        if (comma == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_cgroup(const struct statfs *fs)
{
    return fs->f_type == CGROUP_SUPER_MAGIC || fs->f_type == CGROUP2_SUPER_MAGIC;
}

/* ---- /proc/PID/cgroup ---- */

/* The cgroup in a line "5:devices:/machine", if it is of this hierarchy; else NULL. */
static char *cgroup_in_line(char *line, const char *controller)
{
    line[strcspn(line, "\n")] = '\0';
    strsep(&line, ":");
    const char *controllers = strsep(&line, ":");
    return line != NULL && has_word(controllers, controller) ? line : NULL;
}

/* The process's cgroup in a hierarchy, to be freed; NULL and errno, which is ENODEV if it is in no such hierarchy. */
static char *cgroup_of(const char *process, const char *controller)
{
    char *line = NULL, *found = NULL;
    size_t size = 0;
    FILE *file = open_listing(process, "cgroup");
    if (file == NULL) {
        return NULL;
    }
    while (found == NULL && getline(&line, &size, file) >= 0) {
        found = cgroup_in_line(line, controller);
    }
    int error = ferror(file) ? ESRCH : found == NULL && feof(file) ? ENODEV : ENOMEM;
    found = found != NULL ? strdup(found) : NULL;
    free(line);
    fclose(file);
    errno = error;
    return found;
}

/* ---- /proc/PID/mountinfo ---- */

/* Undoes the kernel's escapes of spaces and so on: a backslash and three octal digits. */
static char *unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; to++) {
        if (from[0] == '\\' && from[1] != '\0' && from[2] != '\0' && from[3] != '\0') {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
    return text;
}

/* The part of the cgroup's name below a mount's root; NULL if the mount does not show it. "/.." in front of a name
 * means that the caller's cgroup namespace does not contain it. */
static const char *below(const char *cgroup, const char *root)
{
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    const char *rest = cgroup + length;
    bool is_below = strncmp(cgroup, root, length) == 0 && (rest[0] == '/' || rest[0] == '\0');
    return is_below && strncmp(rest, "/../", 4) != 0 && strcmp(rest, "/..") != 0 ? rest : NULL;
}

/* Whether the cgroup is below this mount, which is a line of a process's mountinfo. */
static bool find_below(const Wanted *wanted, const char *process_root, char *line)
{
    char *after = strstr(line, " - ");
    if (after == NULL) {
        return false;
    }
    *after = '\0';
    after += strlen(" - ");
    const char *type = strsep(&after, " ");
    strsep(&after, " "); /* the source */
    for (int i = 0; i < 3; i++) {
        strsep(&line, " "); /* numbers */
    }
    char *root = strsep(&line, " "), *point = strsep(&line, " ");
    if (after == NULL || point == NULL) {
        return false;
    }
    after[strcspn(after, "\n")] = '\0';
    bool is_hierarchy = wanted->controller[0] == '\0'
                            ? strcmp(type, "cgroup2") == 0
                            : strcmp(type, "cgroup") == 0 && has_word(after, wanted->controller);
    const char *rest = is_hierarchy ? below(wanted->cgroup, unescape(root)) : NULL;
    if (rest == NULL) {
        return false;
    }
    int length =
        snprintf(wanted->path, PATH_MAX, "%s%s%s", process_root, unescape(point), strcmp(rest, "/") == 0 ? "" : rest);
    struct statfs fs;
    return length < PATH_MAX && statfs(wanted->path, &fs) == 0 && is_cgroup(&fs);
}

/* Whether the cgroup is below a mount that this process has. */
static bool find_by(const Wanted *wanted, const char *process, const char *process_root)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    FILE *file = open_listing(process, "mountinfo");
    if (file == NULL) {
        return false;
    }
    while (!found && getline(&line, &size, file) >= 0) {
        found = find_below(wanted, process_root, line);
    }
    free(line);
    fclose(file);
    return found;
}

/* By the process's own mounts at last: it may have chosen them. */
static int find(const Wanted *wanted, const char *process)
{
    char root[NAME_SIZE + 32];
    snprintf(root, sizeof(root), "/proc/%s/root", process);
    bool found = find_by(wanted, "self", "") || find_by(wanted, "1", "/proc/1/root") || find_by(wanted, process, root);
    return found ? 0 : -ENOENT;
}

/* ---- Together ---- */

int process_cgroup(int pid, const char *controller, char *path, size_t size)
{
    int saved_errno = errno;
    char name[NAME_SIZE], found[PATH_MAX];
    snprintf(name, sizeof(name), "%d", pid);
    char *cgroup = cgroup_of(name, controller);
    int result = cgroup != NULL ? find(&(Wanted){controller, cgroup, found}, name) : errno == ENOENT ? -ESRCH : -errno;
    if (result == 0) {
        result = snprintf(path, size, "%s", found);
    }
    free(cgroup);
    errno = saved_errno;
    return result;
}

static bool is_in_the_callers(const char *process, const char *controller)
{
    char *theirs = cgroup_of(process, controller), *ours = cgroup_of("thread-self", controller);
    bool is_same = theirs != NULL && ours != NULL && strcmp(theirs, ours) == 0;
    free(theirs);
    free(ours);
    return is_same;
}

/* Whether everything there is stopped, as a child that joins would be. Only version 2 has this file. */
static bool is_frozen(int folder)
{
    char text[256] = "";
    int fd = system_open(folder, "cgroup.events", O_RDONLY);
    bool frozen = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "frozen 1") != NULL;
    if (fd >= 0) {
        close(fd);
    }
    return frozen;
}

/* Nothing but a cgroup may be written to, whatever the process has mounted there. */
static int open_procs(int folder)
{
    struct statfs fs;
    int fd = system_open(folder, "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && (system_statfs(fd, &fs) < 0 || !is_cgroup(&fs))) {
        close(fd);
        return -ENOENT;
    }
    return fd;
}

int cgroup_open(int pid, const char *controller)
{
    char name[NAME_SIZE], path[PATH_MAX];
    snprintf(name, sizeof(name), "%d", pid);
    if (is_in_the_callers(name, controller)) {
        return -ENODEV;
    }
    int result = process_cgroup(pid, controller, path, sizeof(path));
    int folder = result < 0 ? result : system_open(AT_FDCWD, path, O_PATH | O_DIRECTORY);
    if (folder < 0) {
        return folder;
    }
    result = is_frozen(folder) ? -EBUSY : open_procs(folder);
    close(folder);
    return result;
}
