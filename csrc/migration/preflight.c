/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays a plan's commands on copies of two ends, then predicts what happens. */
#include <errno.h>
#include <string.h>

#include "migration/command.h"
#include "migration/transport.h"
#include "state/state.h"

enum {
    SOURCE = MIGRATION_END_SOURCE,
    DESTINATION = MIGRATION_END_DESTINATION
};

#define TOLD(name) ((uint64_t)1 << PAIR_##name)

typedef struct Flight {
    const MigrationPlan *plan;
    MigrationState ends[2];
    bool alone; /* nobody listens */
    MigrationPreflight *out;
} Flight;

/* ---- The commands ---- */

static MigrationStep *add_step(Flight *flight, int end, int command)
{
    MigrationStep *step = &flight->out->steps[flight->out->count++];
    *step = (MigrationStep){.end = end, .command = command, .error = no_error()};
    return step;
}

/* Switches on what was refused: the rest shows what else is wrong, not what follows from the refusal. */
static void pretend(MigrationState *state, const MigrationSettings *wanted)
{
    migration_state_load(state, ((state->capabilities | wanted->on) & ~wanted->off) & state->known);
}

static int set_capabilities(Flight *flight, int end)
{
    const MigrationSettings *wanted = &flight->plan->ends[end];
    if (!wanted->has_unknown && (wanted->on | wanted->off) == 0) {
        return 0;
    }
    MigrationState *state = &flight->ends[end];
    MigrationStep *step = add_step(flight, end, MIGRATION_SET_CAPABILITIES);
    step->code = wanted->has_unknown ? -EINVAL : migrate_change_capabilities(state, wanted->on, wanted->off);
    if (step->code != 0) {
        pretend(state, wanted);
    }
    return step->code;
}

static int set_parameters(Flight *flight, int end)
{
    const MigrationSettings *wanted = &flight->plan->ends[end];
    if (wanted->n_parameters == 0) {
        return 0;
    }
    MigrationState *state = &flight->ends[end];
    MigrationStep *step = add_step(flight, end, MIGRATION_SET_PARAMETERS);
    uint32_t faults = migrate_parameters_faults(state, wanted->parameters, wanted->n_parameters);
    step->code = qmp_migrate_set_parameters(state, wanted->parameters, wanted->n_parameters, &step->error);
    step->faults = step->code == 0 ? faults : 0;
    return step->code;
}

static int open_transport(Flight *flight, int end)
{
    const MigrationSettings *wanted = &flight->plan->ends[end];
    if (end == DESTINATION && flight->plan->incoming_if_needed && flight->ends[end].incoming_was_started) {
        return 0;
    }
    MigrationStep *step = add_step(flight, end, end == SOURCE ? MIGRATION_MIGRATE : MIGRATION_INCOMING);
    step->code = send_opening(&flight->ends[end], end, wanted->opening, wanted->n_opening, &flight->plan->around[end],
                              &step->faults, &step->error);
    return step->code;
}

/* ---- Their order ---- */

typedef struct Phase {
    int end;
    bool opens;
} Phase;

enum {
    PHASES = 4
};

#define SET(end) {end, false}
#define OPEN(end) {end, true}

static const Phase orders[MIGRATION_ORDER__MAX][PHASES] = {
    [MIGRATION_SOURCE_FIRST] = {SET(SOURCE), SET(DESTINATION), OPEN(DESTINATION), OPEN(SOURCE)},
    [MIGRATION_DESTINATION_FIRST] = {SET(DESTINATION), SET(SOURCE), OPEN(DESTINATION), OPEN(SOURCE)},
    [MIGRATION_INCOMING_FIRST] = {SET(DESTINATION), OPEN(DESTINATION), SET(SOURCE), OPEN(SOURCE)},
};

/* The destination reads what the source has written. */
static const Phase orders_reading[MIGRATION_ORDER__MAX][PHASES] = {
    [MIGRATION_SOURCE_FIRST] = {SET(SOURCE), SET(DESTINATION), OPEN(SOURCE), OPEN(DESTINATION)},
    [MIGRATION_DESTINATION_FIRST] = {SET(DESTINATION), SET(SOURCE), OPEN(SOURCE), OPEN(DESTINATION)},
    [MIGRATION_INCOMING_FIRST] = {SET(DESTINATION), SET(SOURCE), OPEN(SOURCE), OPEN(DESTINATION)},
};

/* In mode cpr-transfer the destination has no monitor before the source's migrate. */
static const Phase order_of_cpr_transfer[PHASES] = {SET(SOURCE), OPEN(SOURCE), SET(DESTINATION), OPEN(DESTINATION)};

static bool is_cpr_transfer(const MigrationState *source, const MigrationSettings *wanted)
{
    const QmpValue *mode = qmp_member_of(
        &(QmpValue){.type = QMP_OBJECT, .number = wanted->n_parameters, .members = wanted->parameters}, "mode");
    return mode == NULL ? source->parameters.number[MIGRATION_PARAMETER_MODE] == MIG_MODE_CPR_TRANSFER
                        : mode->type == QMP_STRING && strcmp(mode->text, "cpr-transfer") == 0;
}

static const Phase *order_of(const Flight *flight)
{
    bool reads = ((TRANSPORT(FILE) | TRANSPORT(EXEC)) >> flight->out->transport & 1) != 0;
    return is_cpr_transfer(&flight->ends[SOURCE], &flight->plan->ends[SOURCE]) ? order_of_cpr_transfer
           : reads                                                             ? orders_reading[flight->plan->order]
                                                                               : orders[flight->plan->order];
}

/* Whether the answer is none of QEMU's. */
static bool is_unanswered(int code)
{
    return code == -EAGAIN || code == -ENOMEM;
}

/* 0, -EAGAIN or -ENOMEM. */
static int play_phase(Flight *flight, const Phase *phase)
{
    if (phase->opens) {
        int code = open_transport(flight, phase->end);
        return is_unanswered(code) ? code : 0;
    }
    int code = set_capabilities(flight, phase->end);
    if (!is_unanswered(code)) {
        code = set_parameters(flight, phase->end);
    }
    return is_unanswered(code) ? code : 0;
}

static int play(Flight *flight)
{
    const Phase *order = order_of(flight);
    int result = 0;
    for (int i = 0; i < PHASES && result == 0; i++) {
        if (!(flight->alone && order[i].end == DESTINATION)) {
            result = play_phase(flight, &order[i]);
        }
    }
    return result;
}

/* ---- What follows ---- */

/* A destination that refuses to read what was written leaves the guest stopped at the source. A source that dies takes
 * the guest with it. */
static int place_after(const MigrationStep *step, uint64_t told)
{
    int home = (told & TOLD(SOURCE_PAUSED)) != 0 ? GUEST_NOWHERE : GUEST_SOURCE;
    bool too_late = step->command == MIGRATION_INCOMING && (told & TOLD(READS_LATER)) != 0;
    bool is_dead = step->code == 0 && step->end == SOURCE;
    return too_late || is_dead ? GUEST_NOWHERE : home;
}

static bool has_no_error(const MigrationPrediction *predicted)
{
    for (int i = 0; i < predicted->count; i++) {
        if (migration_agreement(predicted->rows[i])->severity == MIGRATION_ERROR) {
            return false;
        }
    }
    return predicted->outcome == MIGRATION_COMPLETES || predicted->outcome == MIGRATION_WAITS;
}

static void take_prediction(MigrationPreflight *out)
{
    out->ok = has_no_error(&out->predicted);
    out->outcome = out->predicted.outcome;
    out->guest = out->predicted.guest;
    out->guests = out->predicted.guests;
}

static void end_with(MigrationPreflight *out, int outcome, int guest)
{
    out->ok = false;
    out->outcome = outcome;
    out->guest = guest;
    out->guests = (uint32_t)1 << guest;
}

/* The first step that is refused or fatal ends it. */
static void look_for_the_end(MigrationPreflight *out)
{
    for (int i = 0; i < out->count; i++) {
        MigrationStep *step = &out->steps[i];
        step->guest = place_after(step, out->told);
        if (out->ends_at < 0 && (step->code != 0 || step->faults != 0)) {
            out->ends_at = i;
            end_with(out, step->code != 0 ? MIGRATION_REFUSED : MIGRATION_FAILS, step->guest);
        }
    }
}

static int predict(Flight *flight)
{
    MigrationPreflight *out = flight->out;
    for (int end = SOURCE; end <= DESTINATION; end++) {
        out->after[end] = flight->ends[end].capabilities;
    }
    if (flight->alone) {
        end_with(out, MIGRATION_FAILS, (out->told & TOLD(SOURCE_PAUSED)) != 0 ? GUEST_NOWHERE : GUEST_SOURCE);
        return 0;
    }
    int result =
        migration_agree(&flight->ends[SOURCE], &flight->ends[DESTINATION], out->transport, out->told, &out->predicted);
    take_prediction(out);
    return result;
}

static int fly(Flight *flight)
{
    const MigrationSettings *wanted = &flight->plan->ends[SOURCE];
    MigrationPreflight *out = flight->out;
    bool writes_only;
    out->transport =
        transport_of_migrate(&flight->ends[SOURCE].context.build, wanted->opening, wanted->n_opening, &writes_only);
    out->told = flight->plan->told | (writes_only ? TOLD(ONE_WAY) | TOLD(READS_LATER) : 0);
    int result = play(flight);
    if (result == 0 && (result = predict(flight)) == 0) {
        look_for_the_end(out);
    }
    return result;
}

int migration_preflight(const MigrationState *source, const MigrationState *destination, const MigrationPlan *plan,
                        MigrationPreflight *out)
{
    Flight flight = {.plan = plan, .alone = destination == NULL, .out = out};

    *out = (MigrationPreflight){.ends_at = -1, .predicted = {.decisive = -1}};
    if (plan->order < 0 || plan->order >= MIGRATION_ORDER__MAX || plan->told >> PAIR_FACT__MAX != 0) {
        return -EINVAL;
    }
    int result = state_copy(&flight.ends[SOURCE], source);
    if (result < 0) {
        return result;
    }
    result = state_copy(&flight.ends[DESTINATION], destination == NULL ? source : destination);
    if (result == 0) {
        result = fly(&flight);
        state_clear(&flight.ends[DESTINATION]);
    }
    state_clear(&flight.ends[SOURCE]);
    return result;
}

void migration_preflight_clear(MigrationPreflight *preflight)
{
    for (int i = 0; i < preflight->count; i++) {
        migration_error_clear(&preflight->steps[i].error);
    }
    preflight->count = 0;
}
