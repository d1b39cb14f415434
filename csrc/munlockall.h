/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PYMIG_MUNLOCKALL_H
#define PYMIG_MUNLOCKALL_H

/* Whether munlockall() would work in this process, without unlocking anything: 0, or the negative errno with which
 * it would fail. */
int munlockall_would_work(void);

#endif
