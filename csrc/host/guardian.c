/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program under a guardian. The guardian is a fork of the caller that execs nothing. It is a child subreaper, so that
 * every orphan among its descendants becomes its child, and it kills children until it has none. The caller may have
 * other threads, so after the fork only raw system calls and async-signal-safe functions are used.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pymig.h"

#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif

enum {
    END_TIMEOUT = 5,             /* seconds for the guardian to kill all, before it is killed itself */
    MOST_DESCRIPTORS = 1 << 16,  /* closed one by one, where close_range(2) is missing */
    CHILDREN_AT_A_TIME = 1 << 12 /* bytes read of the list of children */
};

/* fork(2) without the fork handlers, whose locks another thread may hold. */
static pid_t fork_raw(int exit_signal)
{
#ifdef __s390x__
    return (pid_t)syscall(SYS_clone, NULL, exit_signal, NULL, NULL, NULL);
#else
    return (pid_t)syscall(SYS_clone, exit_signal, NULL, NULL, NULL, NULL);
#endif
}

/* ---- Descriptors ---- */

static void close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) {
        return;
    }
#endif
    struct rlimit limit = {.rlim_cur = MOST_DESCRIPTORS};
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = first; fd < MOST_DESCRIPTORS && (rlim_t)fd < limit.rlim_cur; fd++) {
        close(fd);
    }
}

/* Numbers the descriptors from 0 on, puts `life` behind them, and closes all others. Returns the new `life`, or a
 * negative errno. */
static int number_descriptors(const int descriptors[], int count, int life)
{
    int high[GUARDED_PROCESS_DESCRIPTORS], high_life = fcntl(life, F_DUPFD_CLOEXEC, count + 1);
    if (high_life < 0) {
        return -errno;
    }
    for (int i = 0; i < count; i++) {
        high[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, count + 1);
        if (high[i] < 0) {
            return -errno;
        }
    }
    for (int i = 0; i < count; i++) {
        dup2(high[i], i);
    }
    dup3(high_life, count, O_CLOEXEC);
    close_from(count + 1);
    return count;
}

static void report(int life, int error)
{
    send(life, &error, sizeof(error), MSG_NOSIGNAL);
}

/* ---- The program ---- */

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_program(const char *const arguments[], pid_t guardian, int life)
{
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == guardian) {
        reset_signals();
        execve(arguments[0], (char *const *)arguments, environ);
        report(life, errno);
    }
    _exit(127);
}

/* ---- The guardian ---- */

/* Whether the child has ended. It is not reaped, so its number stays its own. */
static bool has_ended(pid_t child)
{
    siginfo_t info = {0};
    return waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

static bool is_child(pid_t process)
{
    siginfo_t info;
    return waitid(P_PID, process, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

/* Kills each child in the kernel's list of them: decimal numbers, each with a space behind it. Returns whether a child
 * was killed. The numbers are another namespace's if /proc is, so each one is checked. */
static bool kill_children(void)
{
    char list[CHILDREN_AT_A_TIME];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, list, sizeof(list));
    bool killed = false;
    pid_t child = 0;

    close(fd);
    for (ssize_t i = 0; i < length; i++) {
        if (list[i] != ' ') {
            child = child * 10 + (list[i] - '0');
        } else {
            killed |= is_child(child) && kill(child, SIGKILL) == 0;
            child = 0;
        }
    }
    return killed;
}

/* Kills and reaps until there is no child, or none that may be killed. */
static void kill_descendants(pid_t program)
{
    bool killed;
    kill(-program, SIGKILL); /* the whole group at once, so that it can't fork faster than it is killed */
    do {
        killed = kill_children();
    } while (waitpid(-1, NULL, __WALL | (killed ? 0 : WNOHANG)) > 0);
}

/* The death signal comes whenever the thread that made this process ends, so it does not say that the whole caller has
 * died. A parent in another namespace is 0. */
static bool has_died(pid_t caller)
{
    pid_t parent = getppid();
    return parent != caller && parent != 0;
}

/* Waits until the program has ended, the caller has died, or the caller asks for the end. */
static void wait_for_the_end(pid_t program, pid_t caller, int life, int signals)
{
    struct signalfd_siginfo ignored;
    struct pollfd watched[] = {{.fd = life, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

    while (!has_died(caller) && !has_ended(program)) {
        poll(watched, 2, -1);
        if (watched[0].revents != 0) {
            return;
        }
        if (read(signals, &ignored, sizeof(ignored)) < 0) {
            return;
        }
    }
}

static _Noreturn void become_guardian(const char *const arguments[], const int descriptors[], int count, int life,
                                      pid_t caller)
{
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGTERM);
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_NAME, "pymig-guardian");
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setsid();

    int numbered = number_descriptors(descriptors, count, life);
    int signals = numbered < 0 ? numbered : signalfd(-1, &awaited, SFD_CLOEXEC);
    pid_t self = getpid(), program = signals < 0 ? -1 : fork_raw(SIGCHLD);
    if (program == 0) {
        become_program(arguments, self, numbered);
    }
    if (program < 0) {
        report(numbered < 0 ? life : numbered, numbered < 0 ? -numbered : errno);
        _exit(1);
    }
    for (int i = 0; i < count; i++) {
        close(i);
    }
    wait_for_the_end(program, caller, numbered, signals);
    kill_descendants(program);
    _exit(0);
}

/* ---- The caller ---- */

int guarded_process_start(const char *const arguments[], const int descriptors[], size_t count, GuardedProcess *process)
{
    int saved_errno = errno, life[2];
    sigset_t all, mask;

    process->guardian = 0;
    if (arguments[0] == NULL || count > GUARDED_PROCESS_DESCRIPTORS) {
        return -EINVAL;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, life) < 0) {
        int error = errno;
        errno = saved_errno;
        return -error;
    }
    sigfillset(&all); /* the caller's handlers must not run in the guardian */
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    pid_t caller = getpid(), guardian = fork_raw(0); /* without SIGCHLD, so that the caller's waits don't notice it */
    if (guardian == 0) {
        become_guardian(arguments, descriptors, (int)count, life[1], caller);
    }
    int error = guardian < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    close(life[1]);
    if (error != 0) {
        close(life[0]);
    } else {
        *process = (GuardedProcess){.guardian = guardian, .caller = caller, .life = life[0]};
    }
    errno = saved_errno;
    return -error;
}

/* Whether the guardian's end of the socket is closed, now or in time. */
static bool closes_in_time(int life)
{
    const struct timespec timeout = {.tv_sec = END_TIMEOUT};
    struct pollfd watched = {.fd = life, .events = POLLRDHUP};
    sigset_t all;
    sigfillset(&all);
    return ppoll(&watched, 1, &timeout, &all) == 1;
}

void guarded_process_end(GuardedProcess *process)
{
    int saved_errno = errno;
    if (process->guardian == 0) {
        return;
    }
    if (process->caller == getpid()) {
        shutdown(process->life, SHUT_WR);
        if (!closes_in_time(process->life)) {
            kill(process->guardian, SIGKILL);
        }
        while (waitpid(process->guardian, NULL, __WCLONE) < 0 && errno == EINTR) {
        }
    }
    close(process->life);
    process->guardian = 0;
    errno = saved_errno;
}
