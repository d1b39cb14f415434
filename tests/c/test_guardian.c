/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program under a guardian: what it is given, and that nothing is left of it, whoever ends. Every process that a test
 * starts holds the writing end of one pipe: the end of file says that all have ended. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE = 30000 /* ms, for what should take none */
};

/* Children of its own and of others, in its session and in others. */
#define FAMILY "trap '' TERM HUP; sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000' & "

static GuardedProcess process;
static int output[2], null;

static int set_up(void **unused)
{
    (void)unused;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return pipe2(output, O_CLOEXEC);
}

static int tear_down(void **unused)
{
    (void)unused;
    guarded_process_end(&process);
    close(output[0]);
    close(output[1]);
    close(null);
    return 0;
}

static int start(const char *script)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    const int descriptors[] = {null, output[1], null};
    return guarded_process_start(arguments, descriptors, 3, &process);
}

/* The next bytes within PATIENCE, as text; "" at the end of file. */
static const char *next(int fd)
{
    static char text[512];
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, PATIENCE), 1);
    ssize_t length = read(fd, text, sizeof(text) - 1);
    assert_true(length >= 0);
    text[length] = '\0';
    return text;
}

static void expect_nothing_left(void)
{
    close(output[1]);
    output[1] = -1;
    while (strcmp(next(output[0]), "") != 0) {
    }
}

static int error_of(const char *path)
{
    const char *const arguments[] = {path, NULL};
    int error = 0;
    assert_int_equal(guarded_process_start(arguments, NULL, 0, &process), 0);
    assert_int_equal(recv(process.life, &error, sizeof(error), MSG_WAITALL), sizeof(error));
    assert_string_equal(next(process.life), "");
    guarded_process_end(&process);
    return error;
}

static void says_why_a_program_does_not_start(void **unused)
{
    (void)unused;
    assert_int_equal(error_of("/nonexistent"), ENOENT);
    assert_int_equal(error_of("/"), EACCES);
    assert_int_equal(error_of(""), ENOENT);
}

static void refuses_wrong_arguments(void **unused)
{
    (void)unused;
    const char *const none[] = {NULL}, *const some[] = {"/bin/true", NULL};
    assert_int_equal(guarded_process_start(none, NULL, 0, &process), -EINVAL);
    assert_int_equal(guarded_process_start(some, NULL, GUARDED_PROCESS_DESCRIPTORS + 1, &process), -EINVAL);
    guarded_process_end(&process);
}

static void out_of_descriptors(void **unused)
{
    struct rlimit limit, low;
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &low);
    errno = EXDEV;
    int result = start("true");
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(result, -EMFILE);
    assert_int_equal(errno, EXDEV);
    (void)unused;
}

static void a_bad_descriptor(void **unused)
{
    (void)unused;
    const char *const arguments[] = {"/bin/true", NULL};
    const int descriptors[] = {987654};
    int error = 0;
    assert_int_equal(guarded_process_start(arguments, descriptors, 1, &process), 0);
    assert_int_equal(recv(process.life, &error, sizeof(error), MSG_WAITALL), sizeof(error));
    assert_int_equal(error, EBADF);
}

static void has_exactly_the_given_descriptors(void **unused)
{
    (void)unused;
    int inheritable = dup(null);
    assert_int_equal(start("exec ls /proc/self/fd"), 0);
    assert_string_equal(next(output[0]), "0\n1\n2\n3\n"); /* 3 is the folder that ls reads */
    close(inheritable);
}

/* Signals 32 and 33 are the C library's own. */
static void has_default_signals(void **unused)
{
    (void)unused;
    sigset_t blocked, mask;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    assert_int_equal(start("exec grep -cE 'Sig(Blk|Ign|Pnd):.*[08]0{7}$' /proc/self/status"), 0);
    assert_string_equal(next(output[0]), "3\n");
    signal(SIGPIPE, before);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void ends_when_asked(void **unused)
{
    (void)unused;
    assert_int_equal(start(FAMILY "echo started; sleep 1000"), 0);
    assert_string_equal(next(output[0]), "started\n");
    guarded_process_end(&process);
    expect_nothing_left();
    guarded_process_end(&process); /* does nothing */
}

static void ends_with_its_program(void **unused)
{
    (void)unused;
    assert_int_equal(start(FAMILY "exit 3"), 0);
    assert_string_equal(next(process.life), "");
    expect_nothing_left();
}

static void ends_with_its_program_though_sigchld_is_ignored(void **unused)
{
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    ends_with_its_program(unused);
    signal(SIGCHLD, before);
}

/* The guardian has the caller's memory: nobody without privileges may read it. */
static void has_a_guardian_that_nobody_can_trace(void **unused)
{
    enum {
        NOBODY = 65534
    };
    struct stat status;
    char memory[64];
    int result;
    (void)unused;
    if (geteuid() != 0) {
        skip();
    }
    pid_t child = fork();
    if (child == 0) {
        result = setresuid(NOBODY, NOBODY, NOBODY) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0 ||
                 start("echo started; sleep 1000") != 0 || strcmp(next(output[0]), "started\n") != 0;
        snprintf(memory, sizeof(memory), "/proc/%d/mem", process.guardian);
        result = result || stat(memory, &status) != 0 || status.st_uid != 0;
        guarded_process_end(&process);
        _exit(result);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

/* A caller that starts the program, says so, and is then ended by the signal. */
static void ends_when_its_caller_dies_of(int number)
{
    pid_t caller = fork();
    if (caller == 0) {
        signal(number, SIG_DFL);
        start(FAMILY "echo started; sleep 1000");
        for (;;) {
            pause();
        }
    }
    assert_string_equal(next(output[0]), "started\n");
    kill(caller, number);
    assert_int_equal(waitpid(caller, NULL, 0), caller);
    expect_nothing_left();
}

static void ends_with_a_caller_that_is_killed(void **unused)
{
    (void)unused;
    ends_when_its_caller_dies_of(SIGKILL);
}

static void ends_with_a_caller_that_is_terminated(void **unused)
{
    (void)unused;
    ends_when_its_caller_dies_of(SIGTERM);
}

/* The death signal alone must do: a third process keeps the socket open until the test is over. */
static void ends_with_a_caller_that_has_forked(void **unused)
{
    (void)unused;
    int over[2];
    char byte;
    assert_int_equal(pipe2(over, O_CLOEXEC), 0);
    pid_t caller = fork();
    if (caller == 0) {
        start(FAMILY "echo started; sleep 1000");
        close(over[1]);
        close(output[1]);
        fork();
        _exit((int)read(over[0], &byte, 1));
    }
    assert_string_equal(next(output[0]), "started\n");
    kill(caller, SIGKILL);
    assert_int_equal(waitpid(caller, NULL, 0), caller);
    expect_nothing_left();
    close(over[1]);
    close(over[0]);
}

static void ends_though_the_guardian_is_stopped(void **unused)
{
    (void)unused;
    assert_int_equal(start("kill -STOP $PPID; echo started; exec sleep 1000"), 0);
    assert_string_equal(next(output[0]), "started\n");
    guarded_process_end(&process);
    expect_nothing_left();
}

static void ends_with_a_guardian_that_is_killed(void **unused)
{
    (void)unused;
    assert_int_equal(start("kill -KILL $PPID; exec sleep 1000"), 0);
    assert_string_equal(next(process.life), "");
    expect_nothing_left();
}

static void *start_echo(void *unused)
{
    (void)unused;
    assert_int_equal(start("trap 'echo asked' USR1; echo started; while :; do sleep 0.01; done"), 0);
    return NULL;
}

/* It outlives the thread that started it, and other signals to its guardian. */
static void outlives_its_thread(void **unused)
{
    (void)unused;
    pthread_t thread;
    char children[64] = "";
    assert_int_equal(pthread_create(&thread, NULL, start_echo, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(next(output[0]), "started\n");
    kill(process.guardian, SIGTERM);
    usleep(100000);
    snprintf(children, sizeof(children), "/proc/%d/task/%d/children", process.guardian, process.guardian);
    int fd = open(children, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int program = atoi(next(fd));
    close(fd);
    assert_true(program > 0);
    assert_int_equal(kill(program, SIGUSR1), 0);
    assert_string_equal(next(output[0]), "asked\n");
}

static void the_caller_has_no_child(void **unused)
{
    (void)unused;
    assert_int_equal(start("sleep 1000"), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void a_fork_of_the_caller_ends_nothing(void **unused)
{
    (void)unused;
    int status;
    assert_int_equal(start("echo started; sleep 0.2; echo alive; exec sleep 1000"), 0);
    assert_string_equal(next(output[0]), "started\n");
    pid_t child = fork();
    if (child == 0) {
        guarded_process_end(&process);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(next(output[0]), "alive\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(says_why_a_program_does_not_start),
        TEST(refuses_wrong_arguments),
        TEST(out_of_descriptors),
        TEST(a_bad_descriptor),
        TEST(has_exactly_the_given_descriptors),
        TEST(has_default_signals),
        TEST(ends_when_asked),
        TEST(ends_with_its_program),
        TEST(ends_with_its_program_though_sigchld_is_ignored),
        TEST(has_a_guardian_that_nobody_can_trace),
        TEST(ends_with_a_caller_that_is_killed),
        TEST(ends_with_a_caller_that_is_terminated),
        TEST(ends_with_a_caller_that_has_forked),
        TEST(ends_though_the_guardian_is_stopped),
        TEST(ends_with_a_guardian_that_is_killed),
        TEST(outlives_its_thread),
        TEST(the_caller_has_no_child),
        TEST(a_fork_of_the_caller_ends_nothing),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
