/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core by itself: names, checks, states, parameters. What QEMU answers is proved elsewhere, against QEMU. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qemu/capability.h"

/* ---- Names ---- */

static void library_has_the_version_of_the_header(void **state)
{
    (void)state;
    assert_int_equal(pymig_version_number(), PYMIG_VERSION);
    assert_int_equal(PYMIG_VERSION_OF(1, 2, 3), 10203);

    char text[32];
    snprintf(text, sizeof(text), "%d.%d.%d", PYMIG_VERSION_MAJOR, PYMIG_VERSION_MINOR, PYMIG_VERSION_MICRO);
    assert_string_equal(pymig_version(), text);
}

static void names_go_both_ways(void **unused)
{
    (void)unused;
    for (int i = 0; i < MIGRATION_CAPABILITY__MAX; i++) {
        assert_int_equal(migration_capability_from_name(migration_capability_name(i)), i);
    }
    for (int i = 0; i < QEMU_RELEASE__MAX; i++) {
        int major, minor, micro;
        assert_int_equal(sscanf(qemu_release_name(i), "%d.%d.%d", &major, &minor, &micro), 3);
        assert_int_equal(qemu_release_of_version(major, minor, micro), i);
    }
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        assert_int_equal(migration_parameter_from_name(migration_parameter_name(i)), i);
        assert_uint_in_range(migration_parameter_type(i), PARAMETER_UINT8, PARAMETER_BITMAPS);
    }
    for (int i = 0; i < MIGRATION_STATUS__MAX; i++) {
        assert_int_equal(migration_status_from_name(migration_status_name(i)), i);
    }
    assert_string_equal(
        migration_parameter_value_name(MIGRATION_PARAMETER_MULTIFD_COMPRESSION, MULTIFD_COMPRESSION_ZSTD), "zstd");
}

static void numbers_out_of_range_have_no_name(void **unused)
{
    (void)unused;
    static const int numbers[] = {-1, 1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_null(migration_capability_name(numbers[i]));
        assert_null(qemu_release_name(numbers[i]));
        assert_null(migration_parameter_name(numbers[i]));
        assert_null(migration_status_name(numbers[i]));
        assert_null(migration_parameter_value_name(numbers[i], 0));
        assert_null(migration_parameter_value_name(MIGRATION_PARAMETER_MODE, (uint64_t)(int64_t)numbers[i]));
        assert_null(migration_warning(numbers[i]));
        assert_int_equal(qemu_release_probe_variant(numbers[i]), PROBE_REFERENCE);
        assert_null(uffd_feature_name(numbers[i]));
        assert_null(uffd_ioctl_name(numbers[i]));
        assert_int_equal(migration_parameter_type(numbers[i]), -EINVAL);
        assert_false(migration_parameter_ignored(&full_build, numbers[i]));
    }
    assert_int_equal(migration_capability_from_name("Multifd"), -ENOENT);
    assert_int_equal(qemu_release_of_version(8, 3, -1), -ENOENT);
    assert_int_equal(qemu_release_of_version(9, 0, 50), -ENOENT);
    assert_int_equal(qemu_release_of_version(10, 0, -1), QEMU_10_0_1);
    assert_int_equal(qemu_release_of_version(10, 0, 13), QEMU_10_0_1);
    assert_int_equal(qemu_release_of_version(10, 0, 0), QEMU_10_0);
    assert_int_equal(qemu_release_of_version(10, 2, 9), QEMU_10_2);
    assert_int_equal(migration_parameter_from_name(""), -ENOENT);
    assert_int_equal(migration_status_from_name("running"), -ENOENT);
    assert_null(uffd_ioctl_name(0x20)); /* a hole in the table */
    assert_string_equal(uffd_ioctl_name(0x3F), "api");
    assert_string_equal(uffd_feature_name(0), "pagefault-flag-wp");
}

static void an_unknown_release_has_nothing(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    static const int releases[] = {-1, QEMU_RELEASE__MAX};
    for (int i = 0; i < 2; i++) {
        MigrationContext context = plain_context();
        MigrationRule rule;
        context.build.release = releases[i];
        assert_int_equal(qemu_build_capabilities(&context.build), 0);
        assert_int_equal(qemu_build_listed(&context.build), 0);
        assert_int_equal(qemu_build_unstable(&context.build), 0);
        assert_false(migration_parameter_ignored(&context.build, MIGRATION_PARAMETER_MULTIFD_ZLIB_LEVEL));
        MigrationChecker *checker;
        MigrationState *state;
        assert_int_equal(migration_checker_new(&context, host, &checker), -EINVAL);
        assert_int_equal(migration_state_new(&context, host, &state), -EINVAL);
        assert_int_equal(migration_rule(&context.build, MIGRATION_POSTCOPY_HOST, &rule), -ENOENT);
    }
    migration_host_free(host);
}

/* ---- The check ---- */

static void every_code_has_its_rule(void **unused)
{
    (void)unused;
    MigrationRule rule;
    for (int code = 0; code < MIGRATION_VERDICT__MAX; code++) {
        int releases = 0;
        for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
            QemuBuild build = full_build;
            build.release = release;
            if (migration_rule(&build, code, &rule) == 0) {
                releases++;
                assert_true((code == MIGRATION_ACCEPTED) == (*rule.message == '\0'));
                assert_true(has_all(qemu_build_capabilities(&build), rule.capabilities));
            }
        }
        assert_uint_in_range(releases, 1, QEMU_RELEASE__MAX);
    }
    assert_int_equal(migration_rule(&full_build, MIGRATION_VERDICT__MAX, &rule), -ENOENT);
    assert_int_equal(migration_rule(&full_build, -1, &rule), -ENOENT);
}

static void every_text_of_the_commands_is_said(void **unused)
{
    (void)unused;
    MigrationCommandRule rule;
    int number = 0;
    for (; migration_command_rule(number, QEMU_7_2, &rule) == 0; number++) {
        bool migrate = false, incoming = false;
        for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
            assert_int_equal(migration_command_rule(number, release, &rule), 0);
            assert_non_null(rule.text);
            migrate |= rule.migrate;
            incoming |= rule.incoming;
        }
        assert_true(migrate || incoming);
    }
    assert_true(number > 40);
    assert_int_equal(migration_command_rule(number, QEMU_7_2, &rule), -ENOENT);
    assert_int_equal(migration_command_rule(-1, QEMU_7_2, &rule), -ENOENT);
    assert_int_equal(migration_command_rule(0, QEMU_RELEASE__MAX, &rule), -ENOENT);
}

static void a_check_names_the_first_rule(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationChecker *checker = new_checker(&context, host);
    uint8_t codes[MIGRATION_VERDICT__MAX];

    assert_int_equal(migrate_caps_check(checker, 0, CAP(MULTIFD)), MIGRATION_ACCEPTED);
    assert_int_equal(migrate_caps_check(checker, 0, CAP(MULTIFD) | CAP(COMPRESS)), MIGRATION_MULTIFD_COMPRESS);
    CapabilitySet snapshot = CAP(BACKGROUND_SNAPSHOT) | CAP(MULTIFD) | CAP(COMPRESS);
    assert_int_equal(migrate_caps_check(checker, 0, snapshot), MIGRATION_SNAPSHOT_MULTIFD);
    assert_int_equal(migrate_caps_explain(checker, 0, snapshot, codes), 3);
    assert_int_equal(codes[1], MIGRATION_SNAPSHOT_COMPRESS);
    assert_int_equal(codes[2], MIGRATION_MULTIFD_COMPRESS);
    migration_checker_free(checker);
    migration_host_free(host);
}

static void unknown_bits_are_refused(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationChecker *checker = new_checker(&context, host);
    uint8_t codes[MIGRATION_VERDICT__MAX] = {77, 77};
    uint64_t counts[MIGRATION_CODES] = {77};
    const uint32_t words32[] = {1, (uint32_t)1 << 31};
    const uint64_t words64[] = {1, (uint64_t)1 << 63};

    for (int bit = MIGRATION_CAPABILITY_SWITCHOVER_ACK; /* the first one that the reference lacks */ bit < 64; bit++) {
        CapabilitySet unknown = (CapabilitySet)1 << bit;
        assert_int_equal(migrate_caps_check(checker, 0, unknown), -EINVAL);
        assert_int_equal(migrate_caps_check(checker, unknown, 0), -EINVAL);
        assert_int_equal(migrate_caps_explain(checker, 0, unknown, codes), -EINVAL);
        assert_int_equal(migrate_caps_check_many32(checker, unknown, words32, 1, codes), -EINVAL);
        assert_int_equal(migrate_caps_histogram32(checker, unknown, words32, 1, counts), -EINVAL);
    }
    const uint32_t *askew = (const uint32_t *)(const void *)((const char *)words32 + 2);
    assert_int_equal(migrate_caps_check_many32(checker, 0, askew, 1, codes), -EFAULT);
    assert_int_equal(migrate_caps_histogram32(checker, 0, askew, 1, counts), -EFAULT);
    assert_int_equal(codes[0], 77);
    assert_int_equal(counts[0], 77);
    assert_int_equal(migrate_caps_check_many32(checker, 0, NULL, 0, NULL), 0);
    assert_int_equal(migrate_caps_check_many32(checker, 0, words32, 2, codes), 0);
    assert_int_equal(codes[0], MIGRATION_ACCEPTED);
    assert_int_equal(codes[1], MIGRATION_UNKNOWN_CAPABILITY);
    assert_int_equal(migrate_caps_check_many64(checker, 0, words64, 2, codes), 0);
    assert_int_equal(codes[1], MIGRATION_UNKNOWN_CAPABILITY);
    assert_int_equal(migrate_caps_histogram64(checker, 0, words64, 2, counts), 0);
    assert_int_equal(counts[MIGRATION_ACCEPTED], 1);
    assert_int_equal(counts[MIGRATION_UNKNOWN_CAPABILITY], 1);
    migration_checker_free(checker);
    migration_host_free(host);
}

static void many_checks_are_single_checks(void **unused)
{
    (void)unused;
    enum {
        COUNT = 1 << 16,
        STRIDE = 32
    };
    static uint32_t words32[COUNT];
    static uint64_t words64[COUNT];
    static uint8_t codes32[COUNT], codes64[COUNT];
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationChecker *checker = new_checker(&context, host);

    for (uint32_t i = 0; i < COUNT; i++) {
        words64[i] = words32[i] = i * STRIDE + i % STRIDE;
    }
    assert_int_equal(migrate_caps_check_many32(checker, 0, words32, COUNT, codes32), 0);
    assert_int_equal(migrate_caps_check_many64(checker, 0, words64, COUNT, codes64), 0);
    assert_memory_equal(codes32, codes64, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(codes32[i], migrate_caps_check(checker, 0, words64[i]));
    }
    migration_checker_free(checker);
    migration_host_free(host);
}

/* ---- Hosts ---- */

static void stated_facts_stay(void **unused)
{
    (void)unused;
    PostcopySupport said = {.ok = false, .step = POSTCOPY_STEP_MEMORY, .error = 4095, .detail = UINT32_MAX};
    HostFacts facts[PROBE_VARIANT__MAX] = {
        {{WRITE_TRACKING_AVAILABLE, WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_ABSENT}, said, 0},
        {{WRITE_TRACKING_ABSENT, WRITE_TRACKING_ABSENT, WRITE_TRACKING_ABSENT}, {.ok = true}, 0},
        {{WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_UNKNOWN, WRITE_TRACKING_COMPATIBLE}, {.ok = true}, EMFILE},
    };
    MigrationHost *host = new_stated_host(facts);

    for (int round = 0; round < 2; round++) {
        for (int variant = 0; variant < PROBE_VARIANT__MAX; variant++) {
            PostcopySupport support = migration_host_postcopy(host, variant);
            for (int scope = 0; scope < WRITE_TRACKING_SCOPE__MAX; scope++) {
                assert_int_equal(migration_host_write_tracking(host, variant, scope),
                                 facts[variant].write_tracking[scope]);
            }
            assert_int_equal(support.ok, facts[variant].postcopy.ok);
            assert_int_equal(support.step, facts[variant].postcopy.step);
            assert_int_equal(support.error, facts[variant].postcopy.error);
            assert_int_equal(support.detail, facts[variant].postcopy.detail);
        }
        migration_host_refresh(host);
    }
    assert_int_equal(migration_host_write_tracking(host, -1, 0), WRITE_TRACKING_UNKNOWN);
    assert_int_equal(migration_host_write_tracking(host, 0, WRITE_TRACKING_SCOPE__MAX), WRITE_TRACKING_UNKNOWN);
    assert_false(migration_host_postcopy(host, PROBE_VARIANT__MAX).ok);
    migration_host_free(host);
}

static void what_can_not_be_is_refused(void **unused)
{
    (void)unused;
    const HostFacts able = {
        {WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE, WRITE_TRACKING_COMPATIBLE}, {.ok = true}, 0};
    HostFacts wrong[] = {able, able, able, able, able, able};
    MigrationHost *host = NULL;
    wrong[0].write_tracking[2] = WRITE_TRACKING_UNKNOWN;
    wrong[1].write_tracking[2] = 4;
    wrong[2].postcopy = (PostcopySupport){.step = POSTCOPY_STEP_MEMORY + 1};
    wrong[3].postcopy = (PostcopySupport){.step = -1};
    wrong[4].postcopy = (PostcopySupport){.step = 2, .error = 5000};
    wrong[5].write_tracking[0] = WRITE_TRACKING_UNKNOWN;
    wrong[5].write_tracking_error = EPERM; /* with such an error it is known */
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const HostFacts facts[PROBE_VARIANT__MAX] = {able, wrong[i], able};
        assert_int_equal(migration_host_stated(facts, 0, &host), -EINVAL);
    }
    assert_int_equal(migration_host_local(NULL, SIZE_MAX, 0, &host), -ENOMEM);
    assert_int_equal(migration_host_local(&(RamBlock){.kind = RAM_BLOCK_FILE}, 1, 0, &host), -EINVAL);
    assert_null(host);
}

static void errors_that_say_nothing(void **unused)
{
    (void)unused;
    const int inconclusive[] = {EAGAIN, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, PYMIG_ERROR_UNKNOWN};
    int count = 0;
    for (int error = -1; error <= PYMIG_ERROR_KILLED; error++) {
        count += host_error_is_inconclusive(error);
    }
    for (size_t i = 0; i < sizeof(inconclusive) / sizeof(inconclusive[0]); i++) {
        assert_true(host_error_is_inconclusive(inconclusive[i]));
        count--;
    }
    assert_int_equal(count, 0);
}

/* What a stated host leaves unknown is neither a refusal nor an acceptance, and changes no state. */
static void unknown_facts_decide_nothing(void **unused)
{
    (void)unused;
    HostFacts facts[PROBE_VARIANT__MAX];
    for (int i = 0; i < PROBE_VARIANT__MAX; i++) {
        facts[i] =
            (HostFacts){.postcopy = {.step = POSTCOPY_STEP_OPEN, .error = ENFILE}, .write_tracking_error = EMFILE};
        facts[i].write_tracking[SCOPE_WITHOUT_SHARED_FILES] = WRITE_TRACKING_COMPATIBLE;
    }
    MigrationHost *host = new_stated_host(facts);
    MigrationContext context = plain_context();
    context.incoming = true;
    context.build.release = context.build.probe_release = QEMU_8_1;
    MigrationChecker *checker = new_checker(&context, host);
    MigrationState *state = new_state_of(&context, host);
    const CapabilitySet snapshot = CAP(BACKGROUND_SNAPSHOT), shared = CAP(X_IGNORE_SHARED);
    const uint32_t words[] = {0, (uint32_t)snapshot, (uint32_t)CAP(POSTCOPY_RAM)};
    enum {
        MANY = 100
    };
    const uint32_t many[MANY] = {[MANY - 1] = (uint32_t)snapshot};
    uint8_t many_codes[MANY] = {77};
    uint64_t counts[MIGRATION_CODES] = {77};
    uint8_t codes[MIGRATION_VERDICT__MAX] = {77, 77, 77};
    char text[128];

    assert_int_equal(migration_host_error(host), 0);
    assert_int_equal(migrate_caps_check(checker, 0, snapshot), -EAGAIN);
    assert_int_equal(migration_host_error(host), EMFILE);
    assert_int_equal(migrate_caps_check(checker, shared, snapshot | shared), MIGRATION_ACCEPTED);
    assert_int_equal(migrate_caps_check_set(checker, CAP(POSTCOPY_RAM)), -EAGAIN);
    assert_int_equal(migration_host_error(host), ENFILE);
    assert_int_equal(migrate_caps_check_many32(checker, 0, words, 3, codes), -EAGAIN);
    assert_int_equal(codes[0], 77);
    assert_int_equal(migrate_caps_check_many32(checker, 0, many, MANY, many_codes), -EAGAIN);
    assert_int_equal(many_codes[0], 77);
    assert_int_equal(migrate_caps_histogram32(checker, 0, many, MANY, counts), -EAGAIN);
    assert_int_equal(counts[0], 77);
    assert_int_equal(migrate_caps_check_many32(checker, 0, words, 1, codes), 0);
    assert_int_equal(migrate_caps_explain(checker, 0, snapshot, codes), -EAGAIN);
    assert_int_equal(migration_checker_message(checker, MIGRATION_POSTCOPY_HOST, text, sizeof(text)), -EAGAIN);
    assert_int_equal(migrate_cap_set(state, MIGRATION_CAPABILITY_POSTCOPY_RAM, true), -EAGAIN);
    assert_int_equal(migrate_change_capabilities(state, snapshot, 0), -EAGAIN);
    assert_int_equal(migration_capabilities(state), 0);
    migration_state_free(state);
    migration_checker_free(checker);
    migration_host_free(host);
}

static void a_downstream_version_is_followed(void **unused)
{
    (void)unused;
    QemuBuild build = full_build;
    build.capabilities_added = CAP(SWITCHOVER_ACK) | (CapabilitySet)1 << 40;
    build.capabilities_removed = CAP(X_COLO);
    assert_true(migration_accessor_known(&build, "switchover_ack"));
    assert_false(migration_accessor_known(&build, "colo"));
    assert_false(migration_accessor_known(&build, "nonsense"));
    assert_int_equal(qemu_build_capabilities(&build) >> MIGRATION_CAPABILITY__MAX, 0);
    assert_int_equal(qemu_build_unstable(&build), CAP(X_IGNORE_SHARED));
}

static void parameters_of_a_context(void **unused)
{
    (void)unused;
    MigrationContext context = plain_context();
    MigrationError error;
    const QmpMember zlib = {.name = "multifd-compression", .value = {.type = QMP_STRING, .text = "zlib"}};
    const QmpMember lz4 = {.name = "multifd-compression", .value = {.type = QMP_STRING, .text = "lz4"}};
    assert_int_equal(migration_context_apply(&context, &lz4, 1, &error), -EINVAL);
    assert_string_equal(error.message, "Parameter 'multifd-compression' does not accept value 'lz4'");
    migration_error_clear(&error);
    assert_false(context.compressed);
    assert_int_equal(migration_context_apply(&context, &zlib, 1, &error), 0);
    assert_true(context.compressed);
    assert_false(context.tls);
}

static void the_text_of_a_verdict(void **unused)
{
    (void)unused;
    const PostcopySupport unable[] = {{.step = POSTCOPY_STEP_OPEN, .error = EPERM}, {.step = POSTCOPY_STEP_NONE}};
    const char *const reasons[] = {": Userfaultfd not available: Operation not permitted", ""};
    for (int i = 0; i < 2; i++) {
        MigrationHost *host = stated_host(WRITE_TRACKING_COMPATIBLE, unable[i]);
        for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
            MigrationContext context = plain_context();
            char text[128], expected[128];
            context.build.release = context.build.probe_release = release;
            MigrationChecker *checker = new_checker(&context, host);
            snprintf(expected, sizeof(expected), "Postcopy is not supported%s", release < QEMU_8_1 ? "" : reasons[i]);
            assert_int_equal(migration_checker_message(checker, MIGRATION_POSTCOPY_HOST, text, sizeof(text)),
                             strlen(expected));
            assert_string_equal(text, expected);
            assert_int_equal(migration_checker_message(checker, MIGRATION_VERDICT__MAX, text, sizeof(text)), -ENOENT);
            migration_checker_free(checker);
        }
        migration_host_free(host);
    }
}

static void refresh_wraps_around_after_1024_calls(void **unused)
{
    (void)unused;
    MigrationHost *host = new_local_host(&(RamBlock){.kind = RAM_BLOCK_ANONYMOUS}, 1);
    int tracking = migration_host_write_tracking(host, PROBE_REFERENCE, SCOPE_ALL_BLOCKS);
    bool ok = migration_host_postcopy(host, PROBE_REFERENCE).ok;

    for (int i = 0; i < 3000; i++) { /* more often than the counter in the word can count */
        migration_host_refresh(host);
    }
    assert_int_equal(migration_host_write_tracking(host, PROBE_REFERENCE, SCOPE_ALL_BLOCKS), tracking);
    assert_int_equal(migration_host_postcopy(host, PROBE_REFERENCE).ok, ok);
    migration_host_free(host);
}

static void the_texts_of_each_step(void **unused)
{
    (void)unused;
    static const struct {
        PostcopySupport support;
        const char *logged;
        const char *reported;
    } cases[] = {
        {{.ok = true}, "", ""},
        {{.ok = false}, "", ""},
        {{.step = 1}, "Target page size bigger than host page size", "Target page size bigger than host page size"},
        {{.step = 2, .error = EPERM},
         "postcopy_ram_supported_by_host: userfaultfd not available: Operation not permitted",
         "Userfaultfd not available: Operation not permitted"},
        {{.step = 2, .error = PYMIG_ERROR_KILLED},
         "postcopy_ram_supported_by_host: userfaultfd not available: Bad system call",
         "Userfaultfd not available: Bad system call"},
        {{.step = 4, .error = EMFILE, .detail = 1},
         "receive_ufd_features: uffd_open() failed: Too many open files\nufd_check_and_apply failed",
         "Userfault feature detection failed"},
        {{.step = 4, .error = EINVAL, .detail = 2},
         "receive_ufd_features: UFFDIO_API failed: Invalid argument\nufd_check_and_apply failed",
         "Userfault feature detection failed"},
        {{.step = 5, .error = EINVAL, .detail = 256},
         "request_ufd_features failed: UFFDIO_API failed: Invalid argument\nufd_check_and_apply failed: features 256",
         "Failed features 256"},
        {{.step = 6, .detail = 256 | 3 << 16},
         "Missing userfault features: 3\nufd_check_and_apply failed: features 256",
         "Failed features 256"},
        {{.step = 3}, "vhost-user backend not capable of postcopy", "vhost-user backend not capable of postcopy"},
        {{.step = 7},
         "Userfault on this host does not support huge pages",
         "Userfault on this host does not support huge pages"},
        {{.step = 8, .block_length = 0x3000, .block_page_size = 0x1000},
         "Postcopy requires RAM blocks to be a page size multiple, block m0 is 0x3000 bytes with a page size of 0x1000",
         "Postcopy requires RAM blocks to be a page size multiple, block m0 is 0x3000 bytes with a page size of "
         "0x1000"},
        {{.step = 9},
         "Host backend files need to be TMPFS or HUGETLBFS only",
         "Host backend files need to be TMPFS or HUGETLBFS only"},
        {{.step = 10, .error = EPERM},
         "postcopy_ram_supported_by_host: munlockall: Operation not permitted",
         "munlockall() failed: Operation not permitted"},
        {{.step = 11, .error = ENOMEM},
         "postcopy_ram_supported_by_host: Failed to map test area: Cannot allocate memory",
         "Failed to map test area: Cannot allocate memory"},
        {{.step = 12, .error = EINVAL},
         "postcopy_ram_supported_by_host userfault register: Invalid argument",
         "UFFDIO_REGISTER failed: Invalid argument"},
        {{.step = 13, .error = EINVAL},
         "postcopy_ram_supported_by_host userfault unregister: Invalid argument",
         "UFFDIO_UNREGISTER failed: Invalid argument"},
        {{.step = 14, .detail = 0x1c}, "Missing userfault map features: 1c", "Missing userfault map features: 1c"},
        {{.step = 15, .error = ENOMEM},
         "memory block m0 can't be made: Cannot allocate memory",
         "memory block m0 can't be made: Cannot allocate memory"},
        {{.ok = true, .step = 2, .error = EPERM}, "", ""}, /* as a C caller may state it */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int release = 0; release < QEMU_RELEASE__MAX; release++) {
            const char *expected = release < QEMU_8_1 ? cases[i].logged : cases[i].reported;
            char text[256], little[8];
            int length = postcopy_support_message(&cases[i].support, release, text, sizeof(text));
            if (release >= QEMU_8_0 || cases[i].support.step != 4) { /* which names the system call instead */
                assert_string_equal(text, expected);
            }
            assert_int_equal(length, strlen(text));
            length = postcopy_support_message(&cases[i].support, release, little, sizeof(little));
            assert_int_equal(length, strlen(text));
            assert_true(strlen(little) < sizeof(little));
        }
    }
    char text[256];
    postcopy_support_message(&cases[5].support, QEMU_7_2, text, sizeof(text));
    assert_string_equal(text, "receive_ufd_features: syscall __NR_userfaultfd failed: Too many open files\n"
                              "ufd_check_and_apply failed");
    postcopy_support_message(&(PostcopySupport){.step = 8}, QEMU_7_2, text,
                             sizeof(text)); /* it is not known which block */
    assert_string_equal(text, "");
}

static void a_larger_target_page_is_step_1(void **unused)
{
    (void)unused;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    PostcopySupport support = postcopy_ram_supported_by_host(NULL, 0, page * 2);
    assert_false(support.ok);
    assert_int_equal(support.step, POSTCOPY_STEP_TARGET_PAGE_SIZE);
    assert_int_not_equal(postcopy_ram_supported_by_host(NULL, 0, page).step, POSTCOPY_STEP_TARGET_PAGE_SIZE);
}

static void errno_is_left_alone(void **unused)
{
    (void)unused;
    RamBlock block = {.kind = RAM_BLOCK_ANONYMOUS};
    char text[16];
    errno = 4242;
    ram_write_tracking_available();
    ram_write_tracking_compatible(&block, 1, false);
    postcopy_ram_supported_by_host(&block, 1, 0);
    host_probe(&block, 1, 0, NULL);
    postcopy_support_message(&(PostcopySupport){.step = 2, .error = 1}, QEMU_8_0, text, sizeof(text));
    uffd_probe_methods();
    assert_int_equal(errno, 4242);
}

static void a_read_only_block_is_not_tracked(void **unused)
{
    (void)unused;
    RamBlock blocks[] = {{.readonly = true}, {.share = true, .readonly = true}};
    if (ram_write_tracking_available()) {
        assert_true(ram_write_tracking_compatible(blocks, 2, false));
        assert_true(ram_write_tracking_compatible(NULL, 0, false));
    }
}

/* ---- States ---- */

static MigrationState *new_state(MigrationHost *host)
{
    MigrationContext context = plain_context();
    return new_state_of(&context, host);
}

static void a_refused_change_changes_nothing(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationState *state = new_state(host);
    const MigrationCapabilityStatus list[] = {
        {MIGRATION_CAPABILITY_EVENTS, true},
        {MIGRATION_CAPABILITY_MULTIFD, false},
        {MIGRATION_CAPABILITY_MULTIFD, true},
        {MIGRATION_CAPABILITY_COMPRESS, true},
    };
    assert_int_equal(qmp_migrate_set_capabilities(state, list, 4), MIGRATION_MULTIFD_COMPRESS);
    assert_int_equal(migration_capabilities(state), 0);
    assert_int_equal(qmp_migrate_set_capabilities(state, list, 3), 0);
    assert_int_equal(migration_capabilities(state), CAP(EVENTS) | CAP(MULTIFD));
    assert_int_equal(migrate_cap_set(state, MIGRATION_CAPABILITY_COMPRESS, true), MIGRATION_MULTIFD_COMPRESS);
    assert_int_equal(migrate_cap_set(state, -1, true), -EINVAL);
    assert_int_equal(migrate_cap_set(state, MIGRATION_CAPABILITY_MAPPED_RAM, true), -EINVAL);
    assert_int_equal(migrate_cap_set(state, MIGRATION_CAPABILITY__MAX, true), -EINVAL);
    assert_int_equal(migrate_change_capabilities(state, CAP(EVENTS), CAP(EVENTS)), -EINVAL);
    assert_int_equal(migrate_set_status(state, MIGRATION_STATUS_ACTIVE), 0);
    assert_int_equal(migrate_set_status(state, MIGRATION_STATUS__MAX), -EINVAL);
    assert_int_equal(qmp_migrate_set_capabilities(state, NULL, 0), -EBUSY);
    assert_int_equal(migration_status(state), MIGRATION_STATUS_ACTIVE);
    assert_int_equal(migration_capabilities(state), CAP(EVENTS) | CAP(MULTIFD));
    migration_state_free(state);
    migration_host_free(host);
}

static void parameters_are_taken_whole_or_not_at_all(void **unused)
{
    (void)unused;
    MigrationHost *host = capable_host();
    MigrationState *state = new_state(host);
    QmpMember members[] = {
        {.name = "tls-creds", .value = {.type = QMP_STRING, .text = "tls0"}},
        {.name = "announce-max", .value = {.type = QMP_INT, .number = 7}},
        {.name = "compress-level", .value = {.type = QMP_INT, .number = 10}},
    };
    MigrationError error;

    assert_int_equal(qmp_migrate_set_parameters(state, members, 3, &error), -EINVAL);
    assert_string_equal(error.message, "Parameter 'compress_level' expects a value between 0 and 9");
    assert_int_equal(error.parameter, MIGRATION_PARAMETER_COMPRESS_LEVEL);
    assert_false(error.wrong_type);
    migration_error_clear(&error);
    assert_false(migrate_use_tls(state));
    assert_int_equal(migrate_announce_params(state).max, 550);

    assert_int_equal(qmp_migrate_set_parameters(state, members, 2, &error), 0);
    assert_null(error.message);
    assert_true(migrate_use_tls(state));
    assert_int_equal(migrate_announce_params(state).max, 7);

    QmpMember member;
    MigrationParameters *parameters = qmp_query_migrate_parameters(state);
    assert_int_equal(migration_parameters_get(parameters, MIGRATION_PARAMETER_TLS_CREDS, &member), 0);
    assert_string_equal(member.value.text, "tls0");
    assert_int_equal(migration_parameters_get(parameters, MIGRATION_PARAMETER__MAX, &member), -EINVAL);
    migration_parameters_free(parameters);

    members[0] = (QmpMember){.name = "tls-creds", .value = {.type = QMP_NULL}};
    members[1] = (QmpMember){.name = "no-such", .value = {.type = QMP_OTHER}};
    assert_int_equal(qmp_migrate_set_parameters(state, members, 2, &error), -EINVAL);
    assert_true(error.unexpected == 1);
    migration_error_clear(&error);
    assert_true(migrate_use_tls(state));
    assert_int_equal(qmp_migrate_set_parameters(state, members, 1, &error), 0);
    assert_false(migrate_use_tls(state));
    migration_state_free(state);
    migration_host_free(host);
}

/* ---- Threads and fork ---- */

enum {
    THREADS = 8,
    CHANGES = 20000
};

typedef struct Worker {
    MigrationState *state;
    MigrationChecker *checker;
    int own;
    bool lost;
} Worker;

static void *change_and_look(void *argument)
{
    Worker *worker = argument;
    for (int i = 0; i < CHANGES; i++) {
        CapabilitySet mine = (CapabilitySet)1 << worker->own;
        CapabilitySet shared = i % 3 ? CAP(MULTIFD) : CAP(COMPRESS) | CAP(XBZRLE);
        bool on = i & 1;
        int code = migrate_change_capabilities(worker->state, on ? mine | shared : 0, on ? 0 : mine | shared);
        CapabilitySet now = migration_capabilities(worker->state);
        bool expected = on ? code == 0 : false;
        worker->lost |= has_any(now, mine) != expected || migrate_caps_check(worker->checker, now, now) != 0;
    }
    return NULL;
}

static void threads_lose_nothing(void **unused)
{
    (void)unused;
    static const int own[THREADS] = {
        MIGRATION_CAPABILITY_EVENTS,        MIGRATION_CAPABILITY_ZERO_BLOCKS,   MIGRATION_CAPABILITY_DIRTY_BITMAPS,
        MIGRATION_CAPABILITY_VALIDATE_UUID, MIGRATION_CAPABILITY_RELEASE_RAM,   MIGRATION_CAPABILITY_RDMA_PIN_ALL,
        MIGRATION_CAPABILITY_RETURN_PATH,   MIGRATION_CAPABILITY_AUTO_CONVERGE,
    };
    MigrationHost *host = capable_host();
    MigrationContext context = plain_context();
    MigrationState *state = new_state(host);
    MigrationChecker *checker = new_checker(&context, host);
    pthread_t threads[THREADS];
    Worker workers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (Worker){state, checker, own[i], false};
        assert_int_equal(pthread_create(&threads[i], NULL, change_and_look, &workers[i]), 0);
    }
    for (int i = 0; i < 20; i++) { /* and a fork in between finds the lock free */
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            migrate_change_capabilities(state, CAP(EVENTS), CAP(MULTIFD));
            _exit(migrate_events(state) ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(workers[i].lost);
    }
    migration_checker_free(checker);
    migration_state_free(state);
    migration_host_free(host);
}

static void freeing_nothing(void **unused)
{
    (void)unused;
    migration_host_free(NULL);
    migration_checker_free(NULL);
    migration_state_free(NULL);
    migration_parameters_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_has_the_version_of_the_header),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(numbers_out_of_range_have_no_name),
        cmocka_unit_test(an_unknown_release_has_nothing),
        cmocka_unit_test(every_code_has_its_rule),
        cmocka_unit_test(every_text_of_the_commands_is_said),
        cmocka_unit_test(a_check_names_the_first_rule),
        cmocka_unit_test(unknown_bits_are_refused),
        cmocka_unit_test(many_checks_are_single_checks),
        cmocka_unit_test(stated_facts_stay),
        cmocka_unit_test(what_can_not_be_is_refused),
        cmocka_unit_test(errors_that_say_nothing),
        cmocka_unit_test(unknown_facts_decide_nothing),
        cmocka_unit_test(a_downstream_version_is_followed),
        cmocka_unit_test(parameters_of_a_context),
        cmocka_unit_test(the_text_of_a_verdict),
        cmocka_unit_test(refresh_wraps_around_after_1024_calls),
        cmocka_unit_test(the_texts_of_each_step),
        cmocka_unit_test(a_larger_target_page_is_step_1),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(a_read_only_block_is_not_tracked),
        cmocka_unit_test(a_refused_change_changes_nothing),
        cmocka_unit_test(parameters_are_taken_whole_or_not_at_all),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(freeing_nothing),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
