/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_CGROUP_H
#define PYMIG_CGROUP_H

/* Opens cgroup.procs of a process's cgroup, to join it: in the hierarchy with this controller, "" for version 2.
 * Returns a descriptor; -ENODEV if there is nothing to join, because the process is in no such hierarchy or the calling
 * thread is in the same cgroup; another negative errno. */
int cgroup_open(int pid, const char *controller);

#endif
