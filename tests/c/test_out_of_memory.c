/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each allocation fails in turn: the answer is the documented one, nothing is half done. Linked with --wrap. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <stdlib.h>

/* How many allocations still work; negative: all. */
static int budget = -1;

static int fails(void)
{
    return budget >= 0 && budget-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
int __real_vasprintf(char **text, const char *format, va_list arguments);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);
int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list arguments);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

__attribute__((format(printf, 2, 0))) int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    return fails() ? -1 : __real_vasprintf(text, format, arguments);
}

/* What _FORTIFY_SOURCE calls for vasprintf(). */
__attribute__((format(printf, 3, 0))) int __wrap___vasprintf_chk(char **text, int flag, const char *format,
                                                                 va_list arguments)
{
    (void)flag;
    return __wrap_vasprintf(text, format, arguments);
}

static void objects(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationHost *new_host;
    MigrationChecker *checker;
    MigrationState *state;
    const HostFacts able = {
        {WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE}, {.ok = true}, 0};
    const HostFacts facts[PROBE_VARIANT__MAX] = {able, able, able};
    budget = 0;
    assert_int_equal(migration_host_local(NULL, 0, 0, &new_host), -ENOMEM);
    budget = 0;
    assert_int_equal(migration_host_stated(facts, 0, &new_host), -ENOMEM);
    budget = 0;
    assert_int_equal(migration_checker_new(&context, host, &checker), -ENOMEM);
    budget = 0;
    assert_int_equal(migration_state_new(&context, host, &state), -ENOMEM);
    budget = -1;
    migration_host_free(host);
}

static void parameters(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationState *state = new_state_of(&context, host);
    MigrationError error;
    const QmpMember texts[] = {
        {.name = "tls-creds", .value = {.type = QMP_STRING, .text = "a"}},
        {.name = "tls-hostname", .value = {.type = QMP_STRING, .text = "b"}},
        {.name = "announce-max", .value = {.type = QMP_INT, .number = 1}},
    };
    const QmpMember bad = {.name = "compress-level", .value = {.type = QMP_INT, .number = 10}};

    for (int i = 0; i < 2; i++) {
        budget = i;
        assert_int_equal(qmp_migrate_set_parameters(state, texts, 3, &error), -ENOMEM);
        assert_false(migrate_use_tls(state));
        assert_int_equal(migrate_announce_params(state).max, 550);
    }
    budget = -1;
    assert_int_equal(qmp_migrate_set_parameters(state, texts, 3, &error), 0);
    for (int i = 0; i < 3; i++) {
        budget = i;
        assert_null(qmp_query_migrate_parameters(state));
    }
    budget = 0;
    assert_int_equal(qmp_migrate_set_parameters(state, &bad, 1, &error), -ENOMEM);
    assert_null(error.message);
    budget = -1;
    migration_error_clear(&error);
    migration_state_free(state);
    migration_host_free(host);
}

static void unexpected_members(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationState *state = new_state_of(&context, host);
    MigrationError error;
    const QmpMember member = {.name = "no-such", .value = {.type = QMP_INT}};

    for (int i = 0; i < 2; i++) {
        budget = i;
        assert_int_equal(qmp_first_unvisited(&member, 1, NULL, 0), -ENOMEM);
    }
    for (int i = 0; i < 3; i++) { /* the text is the third */
        budget = i;
        assert_int_equal(qmp_migrate_set_parameters(state, &member, 1, &error), -ENOMEM);
        assert_null(error.message);
    }
    budget = -1;
    assert_int_equal(qmp_first_unvisited(&member, 1, NULL, 0), 0);
    assert_int_equal(qmp_migrate_set_parameters(state, &member, 1, &error), -EINVAL);
    migration_error_clear(&error);
    migration_state_free(state);
    migration_host_free(host);
}

/* Both ends are copied, and a refusal has a text. */
static void preflights(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationState *source = new_state_of(&context, host), *destination = new_state_of(&context, host);
    MigrationError error;
    MigrationPreflight preflight;
    const QmpMember creds = {.name = "tls-creds", .value = {.type = QMP_STRING, .text = "a"}};
    const QmpMember bad = {.name = "compress-level", .value = {.type = QMP_INT, .number = 10}};
    const QmpMember uri = {.name = "uri", .value = {.type = QMP_STRING, .text = "tcp:192.0.2.1:4444"}};
    const MigrationPlan plan = {.ends = {
                                    {.parameters = &bad, .n_parameters = 1, .opening = &uri, .n_opening = 1},
                                    {.opening = &uri, .n_opening = 1},
                                }};

    assert_int_equal(qmp_migrate_set_parameters(source, &creds, 1, &error), 0);
    assert_int_equal(qmp_migrate_set_parameters(destination, &creds, 1, &error), 0);
    int failed = 0;
    for (int result = -ENOMEM; result == -ENOMEM; failed++) {
        budget = failed;
        result = migration_preflight(source, destination, &plan, &preflight);
        assert_true(result == 0 || result == -ENOMEM);
        budget = -1;
        migration_preflight_clear(&preflight);
    }
    assert_int_equal(failed, 1 + 2 + 2); /* two copies; both ends refuse */
    assert_true(migrate_use_tls(source));
    migration_state_free(source);
    migration_state_free(destination);
    migration_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects),
        cmocka_unit_test(parameters),
        cmocka_unit_test(unexpected_members),
        cmocka_unit_test(preflights),
    };
    return cmocka_run_group_tests_name("out of memory", tests, NULL, NULL);
}
