/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Eight threads on the same objects while the process forks. ThreadSanitizer sees the races, the assertions the wrong
 * answers.
 *
 *   test_threads [SECONDS]
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "qemu/capability.h"

enum {
    THREADS = 8,
    WORDS = 1000,
    CHILD_SECONDS = 60 /* a child that takes longer hangs */
};

static unsigned seconds = 2;

/* What all threads share. */
static struct {
    MigrationHost *local, *stated;
    MigrationChecker *on_local, *on_stated;
    MigrationState *state, *busy; /* the second one's status changes */
    int snapshot;                 /* the answer of this machine for background-snapshot */
    bool postcopy;
    atomic_bool stop;
    atomic_ulong done, wrong;
} shared;

/* ---- What the threads do; each returns whether the answer was right ---- */

static bool check_stated(unsigned thread, unsigned random)
{
    (void)thread;
    CapabilitySet set = random & 1 ? CAP(MULTIFD) | CAP(COMPRESS) : CAP(MULTIFD);
    return migrate_caps_check(shared.on_stated, 0, set) == (random & 1 ? MIGRATION_MULTIFD_COMPRESS : 0);
}

static bool check_local(unsigned thread, unsigned random)
{
    (void)thread, (void)random;
    return migrate_caps_check(shared.on_local, 0, CAP(BACKGROUND_SNAPSHOT)) == shared.snapshot;
}

static bool explain_local(unsigned thread, unsigned random)
{
    uint8_t codes[MIGRATION_VERDICT__MAX];
    (void)thread, (void)random;
    int count = migrate_caps_explain(shared.on_local, 0, CAP(BACKGROUND_SNAPSHOT) | CAP(MULTIFD), codes);
    return count == (shared.snapshot != MIGRATION_ACCEPTED) + 1 && codes[count - 1] == MIGRATION_SNAPSHOT_MULTIFD;
}

static bool check_many(unsigned thread, unsigned random)
{
    uint32_t words[WORDS];
    uint8_t codes[WORDS];
    (void)thread;
    for (unsigned i = 0; i < WORDS; i++) {
        words[i] = (random + i * 977) & ((1 << MIGRATION_CAPABILITY_SWITCHOVER_ACK) - 1);
    }
    return migrate_caps_check_many32(shared.on_local, 0, words, WORDS, codes) == 0 &&
           codes[random % WORDS] == migrate_caps_check(shared.on_local, 0, words[random % WORDS]);
}

static bool refresh(unsigned thread, unsigned random)
{
    (void)thread;
    migration_host_refresh(random & 1 ? shared.local : shared.stated);
    return true;
}

static bool ask_host(unsigned thread, unsigned random)
{
    (void)thread;
    return migration_host_postcopy(shared.local, random % PROBE_VARIANT__MAX).ok == shared.postcopy &&
           migration_host_write_tracking(shared.stated, 0, 0) == WRITE_TRACKING_COMPATIBLE;
}

/* No other thread switches this thread's capability. */
static bool switch_own(unsigned thread, unsigned random)
{
    static const int own[THREADS] = {
        MIGRATION_CAPABILITY_EVENTS,       MIGRATION_CAPABILITY_ZERO_BLOCKS,   MIGRATION_CAPABILITY_DIRTY_BITMAPS,
        MIGRATION_CAPABILITY_RELEASE_RAM,  MIGRATION_CAPABILITY_VALIDATE_UUID, MIGRATION_CAPABILITY_BLOCK,
        MIGRATION_CAPABILITY_RDMA_PIN_ALL, MIGRATION_CAPABILITY_RETURN_PATH,
    };
    CapabilitySet one = (CapabilitySet)1 << own[thread];
    bool on = random & 1;
    return migrate_cap_set(shared.state, own[thread], on) == 0 &&
           ((migration_capabilities(shared.state) & one) != 0) == on;
}

/* All threads set both parameters at once, so they always belong together. */
static bool set_parameters(unsigned thread, unsigned random)
{
    char creds[16];
    (void)thread;
    snprintf(creds, sizeof(creds), "tls%u", random % 200 + 1);
    const QmpMember members[] = {
        {"tls-creds", {.type = QMP_STRING, .text = creds}},
        {"multifd-channels", {.type = QMP_INT, .number = random % 200 + 1}},
    };
    MigrationError error;
    int result = qmp_migrate_set_parameters(shared.state, members, 2, &error);
    migration_error_clear(&error);
    return result == 0;
}

static bool query_parameters(unsigned thread, unsigned random)
{
    MigrationParameters *parameters = qmp_query_migrate_parameters(shared.state);
    QmpMember creds, channels;
    char expected[32];
    (void)thread, (void)random;
    if (parameters == NULL || migration_parameters_get(parameters, MIGRATION_PARAMETER_TLS_CREDS, &creds) != 0 ||
        migration_parameters_get(parameters, MIGRATION_PARAMETER_MULTIFD_CHANNELS, &channels) != 0) {
        migration_parameters_free(parameters);
        return false;
    }
    snprintf(expected, sizeof(expected), "tls%u", (unsigned)channels.value.number);
    bool right = strcmp(creds.value.text, expected) == 0;
    migration_parameters_free(parameters);
    return right;
}

static bool use_accessors(unsigned thread, unsigned random)
{
    (void)thread, (void)random;
    char *creds = migrate_tls_creds(shared.state);
    bool right = creds != NULL && strncmp(creds, "tls", 3) == 0 && migrate_tls(shared.state);
    migration_text_free(creds);
    return right && migrate_multifd_channels(shared.state) <= 200 && migrate_announce_params(shared.state).rounds == 5;
}

static bool run_and_stop(unsigned thread, unsigned random)
{
    (void)thread;
    bool known = migrate_set_status(shared.busy, random & 1 ? MIGRATION_STATUS_ACTIVE : MIGRATION_STATUS_NONE) == 0;
    int result = migrate_cap_set(shared.busy, MIGRATION_CAPABILITY_BACKGROUND_SNAPSHOT, random & 2);
    return known && (result == -EBUSY || result == MIGRATION_ACCEPTED || result == shared.snapshot);
}

static bool come_and_go(unsigned thread, unsigned random)
{
    MigrationContext context = plain_context();
    MigrationState *state;
    (void)thread;
    context.build.release = (int)(random % QEMU_RELEASE__MAX);
    bool made = migration_state_new(&context, shared.stated, &state) == 0;
    bool right = made && migrate_cap_set(state, MIGRATION_CAPABILITY_MULTIFD, true) == 0;
    migration_state_free(made ? state : NULL);
    return right;
}

static bool (*const jobs[])(unsigned thread, unsigned random) = {
    check_stated, check_local,    explain_local,    check_many,    refresh,      ask_host,
    switch_own,   set_parameters, query_parameters, use_accessors, run_and_stop, come_and_go,
};

enum {
    JOBS = sizeof(jobs) / sizeof(jobs[0])
};

/* ---- The threads, and the children ---- */

static void *work(void *number)
{
    unsigned thread = (unsigned)(uintptr_t)number, random = thread * 7919 + 1;
    while (!shared.stop) {
        random = random * 1103515245 + 12345;
        shared.wrong += !jobs[random / 65536 % JOBS](thread, random / 4096);
        shared.done++;
    }
    return NULL;
}

/* A fork finds every object usable, whatever the other threads were doing. */
static void fork_once(void)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsigned wrong = 0;
        alarm(CHILD_SECONDS);
        for (unsigned i = 0; i < JOBS; i++) {
            wrong += !jobs[i](0, i);
        }
        _exit(wrong != 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void set_up(void)
{
    const RamBlock blocks[] = {{.kind = RAM_BLOCK_ANONYMOUS}, {.kind = RAM_BLOCK_MEMFD, .share = true}};
    MigrationContext context = plain_context();
    shared.local = new_local_host(blocks, 2);
    shared.stated = capable_host();
    shared.on_local = new_checker(&context, shared.local);
    shared.on_stated = new_checker(&context, shared.stated);
    shared.state = new_state_of(&context, shared.stated);
    shared.busy = new_state_of(&context, shared.local);
    shared.snapshot = migrate_caps_check(shared.on_local, 0, CAP(BACKGROUND_SNAPSHOT));
    shared.postcopy = migration_host_postcopy(shared.local, PROBE_REFERENCE).ok;
    assert_true(set_parameters(0, 0));
}

static void tear_down(void)
{
    migration_state_free(shared.busy);
    migration_state_free(shared.state);
    migration_checker_free(shared.on_stated);
    migration_checker_free(shared.on_local);
    migration_host_free(shared.stated);
    migration_host_free(shared.local);
}

static void threads_share_everything(void **unused)
{
    (void)unused;
    pthread_t threads[THREADS];
    struct timespec now, pause = {.tv_nsec = 2000000};
    unsigned long children = 0;

    set_up();
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (time_t end = now.tv_sec + (time_t)seconds; now.tv_sec < end; children++) {
        fork_once();
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    shared.stop = true;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    tear_down();
    print_message("%lu operations, %lu children\n", (unsigned long)shared.done, children);
    assert_true(shared.done > 0);
    assert_int_equal(shared.wrong, 0);
}

int main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_everything)};
    seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : seconds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
