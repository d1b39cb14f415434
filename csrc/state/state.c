/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "host/host.h"
#include "qemu/capability.h"
#include "qemu/context.h"
#include "qemu/fault.h"
#include "qemu/names.h"
#include "qemu/release.h"
#include "state/state.h"

/* ---- The lock ---- */

/* One lock for all states. Code that holds it is short and never blocks. It is held during fork(), so the child finds
 * every state consistent and the lock free. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t hold_over_fork_once = PTHREAD_ONCE_INIT;

void states_acquire(void)
{
    pthread_mutex_lock(&lock);
}

void states_release(void)
{
    pthread_mutex_unlock(&lock);
}

static void hold_over_fork(void)
{
    pthread_atfork(states_acquire, states_release, states_release);
}

/* ---- Status ---- */

typedef struct StatusRow {
    const char *name;
    ReleaseSet present;
    ReleaseSet running; /* the releases in which capabilities can't change in this status */
} StatusRow;

#define STATUS(name) [MIGRATION_STATUS_##name]

/* clang-format off */
static const StatusRow statuses[MIGRATION_STATUS__MAX] = {
    STATUS(NONE)                   = {"none", ALWAYS, NEVER},
    STATUS(SETUP)                  = {"setup", ALWAYS, ALWAYS},
    STATUS(CANCELLING)             = {"cancelling", ALWAYS, ALWAYS},
    STATUS(CANCELLED)              = {"cancelled", ALWAYS, NEVER},
    STATUS(ACTIVE)                 = {"active", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_ACTIVE)        = {"postcopy-active", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_PAUSED)        = {"postcopy-paused", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_RECOVER)       = {"postcopy-recover", ALWAYS, ALWAYS},
    STATUS(COMPLETED)              = {"completed", ALWAYS, NEVER},
    STATUS(FAILED)                 = {"failed", ALWAYS, NEVER},
    STATUS(COLO)                   = {"colo", ALWAYS, FROM(8_1)},
    STATUS(PRE_SWITCHOVER)         = {"pre-switchover", ALWAYS, ALWAYS},
    STATUS(DEVICE)                 = {"device", ALWAYS, ALWAYS},
    STATUS(WAIT_UNPLUG)            = {"wait-unplug", ALWAYS, ALWAYS},
    STATUS(POSTCOPY_RECOVER_SETUP) = {"postcopy-recover-setup", FROM(9_1), ALWAYS},
    STATUS(POSTCOPY_DEVICE)        = {"postcopy-device", FROM(10_2), ALWAYS},
    STATUS(FAILING)                = {"failing", FROM(11_0), ALWAYS},
};
/* clang-format on */

const char *migration_status_name(int status)
{
    return status >= 0 && status < MIGRATION_STATUS__MAX ? statuses[status].name : NULL;
}

int migration_status_from_name(const char *name)
{
    return number_of_name(migration_status_name, name);
}

bool migration_status_known(const QemuBuild *build, int status)
{
    return migration_status_name(status) != NULL && release_within(build->release, statuses[status].present);
}

bool migration_is_running(const MigrationState *state)
{
    return release_within(state->context.build.release, statuses[state->status].running);
}

const char *migration_active_message(void)
{
    return "There's a migration process in progress";
}

int migration_status(const MigrationState *state)
{
    return state->status;
}

int migrate_set_status(MigrationState *state, int status)
{
    if (!migration_status_known(&state->context.build, status)) {
        return -EINVAL;
    }
    states_acquire();
    state->status = status;
    states_release();
    return 0;
}

/* ---- Creating and freeing ---- */

/* Call with the lock held, or before the state is shared. */
static void follow_parameters(MigrationState *state)
{
    context_follow_parameters(&state->context, &state->parameters);
    migration_checker_init(&state->checker, &state->context, state->host);
}

int migration_state_new(const MigrationContext *context, MigrationHost *host, MigrationState **state)
{
    if (!migration_context_is_known(context)) {
        return -EINVAL;
    }
    pthread_once(&hold_over_fork_once, hold_over_fork);
    MigrationState *new = calloc(1, sizeof(*new));
    if (new == NULL) {
        return -ENOMEM;
    }
    new->context = *context;
    new->host = host;
    new->incoming_was_started = context->incoming && (context->incoming_started || context->single_channel);
    new->known = qemu_build_capabilities(&context->build);
    new->variant = qemu_release_probe_variant(context->build.probe_release);
    parameters_init(&new->parameters, &context->build);
    follow_parameters(new);
    *state = new;
    return 0;
}

void state_clear(MigrationState *state)
{
    parameters_clear(&state->parameters);
}

void migration_state_free(MigrationState *state)
{
    if (state != NULL) {
        state_clear(state);
        free(state);
    }
}

int state_copy(MigrationState *copy, const MigrationState *state)
{
    states_acquire();
    *copy = *state;
    int result = parameters_copy(&copy->parameters, &state->parameters);
    states_release();
    return result;
}

void migration_start_incoming(MigrationState *state, bool listens)
{
    states_acquire();
    state->incoming_was_started = true;
    state->context.incoming_started = listens;
    state->context.single_channel = !listens;
    follow_parameters(state);
    states_release();
}

int migration_state_message(const MigrationState *state, int code, char *text, size_t size)
{
    return migration_checker_message(&state->checker, code, text, size);
}

/* ---- Capabilities ---- */

CapabilitySet migration_capabilities(const MigrationState *state)
{
    return state->capabilities;
}

/* Call with the lock held. -EAGAIN if it depends on what is not known of the host. */
static int try_change(MigrationState *state, CapabilitySet on, CapabilitySet off, HostQuestion *question)
{
    if (migration_is_running(state)) {
        return -EBUSY;
    }
    CapabilitySet new_set = (state->capabilities | on) & ~off;
    int code = caps_check_known(&state->checker, state->capabilities, new_set, question);
    if (code == MIGRATION_ACCEPTED) {
        state->capabilities = new_set;
    }
    return code;
}

int migrate_change_capabilities(MigrationState *state, CapabilitySet on, CapabilitySet off)
{
    HostQuestion question;

    if (has_any(on | off, ~state->known) || has_any(on, off)) {
        return -EINVAL;
    }
    for (;;) {
        states_acquire();
        int code = try_change(state, on, off, &question);
        states_release();
        int scope = scope_after(state->capabilities, qemu_release_scope(state->context.build.release));
        /* Asking is slow: never with the lock held. */
        if (code != -EAGAIN || !migration_host_ask(state->host, state->variant, question, scope)) {
            return code;
        }
    }
}

int migration_state_load(MigrationState *state, CapabilitySet capabilities)
{
    if (has_any(capabilities, ~state->known)) {
        return -EINVAL;
    }
    states_acquire();
    state->capabilities = capabilities;
    states_release();
    return 0;
}

int migrate_cap_set(MigrationState *state, int capability, bool value)
{
    return qmp_migrate_set_capabilities(state, &(MigrationCapabilityStatus){capability, value}, 1);
}

int qmp_migrate_set_capabilities(MigrationState *state, const MigrationCapabilityStatus *list, size_t count)
{
    CapabilitySet on = 0, off = 0;

    for (size_t i = 0; i < count; i++) {
        if (migration_capability_name(list[i].capability) == NULL) {
            return -EINVAL;
        }
        CapabilitySet one = (CapabilitySet)1 << list[i].capability;
        on = list[i].state ? on | one : on & ~one;
        off = list[i].state ? off & ~one : off | one;
    }
    return migrate_change_capabilities(state, on, off);
}

int qmp_query_migrate_capabilities(const MigrationState *state,
                                   MigrationCapabilityStatus list[MIGRATION_CAPABILITY__MAX])
{
    CapabilitySet listed = qemu_build_listed(&state->context.build), present = state->capabilities;
    int count = 0;

    for (int i = 0; i < MIGRATION_CAPABILITY__MAX; i++) {
        CapabilitySet one = (CapabilitySet)1 << i;
        if (has_any(listed, one)) {
            list[count++] = (MigrationCapabilityStatus){i, has_any(present, one)};
        }
    }
    return count;
}

/* ---- Parameters ---- */

static int take_parameters(MigrationState *state, const ParameterChange *change, MigrationError *error)
{
    int result = parameters_check(&state->context, state->capabilities, &state->parameters, change, error);
    if (result == 0 && (result = parameters_take(&state->parameters, change)) == 0) {
        follow_parameters(state);
    }
    return result;
}

int qmp_migrate_set_parameters(MigrationState *state, const QmpMember *members, size_t count, MigrationError *error)
{
    ParameterChange change;
    int result = parameters_read(&state->context.build, members, count, &change, error);
    if (result == 0) {
        states_acquire();
        result = take_parameters(state, &change, error);
        states_release();
    }
    return result;
}

int migrate_try_parameters(const MigrationState *state, const QmpMember *members, size_t count, MigrationError *error)
{
    ParameterChange change;
    int result = parameters_read(&state->context.build, members, count, &change, error);
    if (result == 0) {
        states_acquire();
        result = parameters_check(&state->context, state->capabilities, &state->parameters, &change, error);
        states_release();
    }
    return result;
}

uint32_t migrate_parameters_faults(const MigrationState *state, const QmpMember *members, size_t count)
{
    return parameters_faults(&state->context.build, state->capabilities, members, count);
}

MigrationParameters *qmp_query_migrate_parameters(const MigrationState *state)
{
    MigrationParameters *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    states_acquire();
    int result = parameters_copy(copy, &state->parameters);
    states_release();
    if (result < 0) {
        free(copy);
        return NULL;
    }
    return copy;
}
