/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sequence of changes to a state. A model of it, three numbers and a context, says what must hold after each. */
#include "fuzz.h"

typedef struct Model {
    MigrationContext context; /* as the parameters have it now */
    CapabilitySet known, set;
    int status;
    MigrationHost *host;
    MigrationState *state;
} Model;

/* ---- What must hold ---- */

static bool is_running(const Model *model)
{
    switch (model->status) {
    case MIGRATION_STATUS_NONE:
    case MIGRATION_STATUS_CANCELLED:
    case MIGRATION_STATUS_COMPLETED:
    case MIGRATION_STATUS_FAILED:
        return false;
    case MIGRATION_STATUS_COLO:
        return model->context.build.release >= QEMU_8_1;
    default:
        return true;
    }
}

/* What a change to this set must answer: what a check in the state's context does. */
static int answer_for(const Model *model, CapabilitySet new_set)
{
    MigrationChecker *checker;
    if (is_running(model)) {
        return -EBUSY;
    }
    MUST(migration_checker_new(&model->context, model->host, &checker) == 0);
    int code = migrate_caps_check(checker, model->set, new_set);
    migration_checker_free(checker);
    return code;
}

static void changed(Model *model, int result, CapabilitySet new_set, bool valid)
{
    MUST(result == (valid ? answer_for(model, new_set) : -EINVAL));
    model->set = result == 0 ? new_set : model->set;
}

static void state_is(const Model *model)
{
    MigrationCapabilityStatus list[MIGRATION_CAPABILITY__MAX];
    CapabilitySet listed = 0, on = 0;
    int count = qmp_query_migrate_capabilities(model->state, list);
    for (int i = 0; i < count; i++) {
        listed |= one(list[i].capability);
        on |= list[i].state ? one(list[i].capability) : 0;
    }
    MUST(listed == qemu_build_listed(&model->context.build) && on == (model->set & listed));
    MUST(migration_capabilities(model->state) == model->set);
    MUST(migration_status(model->state) == model->status);
    MUST(migrate_multifd(model->state) == ((model->set & one(MIGRATION_CAPABILITY_MULTIFD)) != 0));
    MUST((migrate_multifd_compression(model->state) != MULTIFD_COMPRESSION_NONE) == model->context.compressed);
    MUST(migrate_use_tls(model->state) == model->context.tls);
    MUST((migrate_mode(model->state) >= MIG_MODE_CPR_TRANSFER) == model->context.no_ram_tracked);
}

/* ---- The steps ---- */

static void switch_one(Model *model, Input *input)
{
    int capability = take_below(input, MIGRATION_CAPABILITY__MAX + 2) - 1;
    bool on = take_bool(input);
    bool valid = capability >= 0 && (model->known & one(capability)) != 0;
    CapabilitySet bit = valid ? one(capability) : 0;
    int result = migrate_cap_set(model->state, capability, on);
    changed(model, result, on ? model->set | bit : model->set & ~bit, valid);
}

static void switch_sets(Model *model, Input *input)
{
    CapabilitySet on = take_set(input, model->known), off = take_set(input, model->known);
    bool valid = (on & off) == 0 && ((on | off) & ~model->known) == 0;
    int result = migrate_change_capabilities(model->state, on, off);
    changed(model, result, (model->set | on) & ~off, valid);
}

/* The later entry of a capability counts. */
static void switch_list(Model *model, Input *input)
{
    MigrationCapabilityStatus list[8];
    int count = take_below(input, COUNT_OF(list) + 1);
    CapabilitySet new_set = model->set, named = 0;
    for (int i = 0; i < count; i++) {
        list[i].capability = take_below(input, MIGRATION_CAPABILITY__MAX);
        list[i].state = take_bool(input);
        named |= one(list[i].capability);
        new_set &= ~one(list[i].capability);
        new_set |= list[i].state ? one(list[i].capability) : 0;
    }
    int result = qmp_migrate_set_capabilities(model->state, list, (size_t)count);
    changed(model, result, new_set, (named & ~model->known) == 0);
}

static void set_status(Model *model, Input *input)
{
    int status = take_below(input, MIGRATION_STATUS__MAX + 2) - 1;
    bool known = migration_status_known(&model->context.build, status);
    MUST(migrate_set_status(model->state, status) == (known ? 0 : -EINVAL));
    model->status = known ? status : model->status;
}

/* The parameters that a context follows. Which requests are refused is the subject of another target. */
static void set_parameter(Model *model, Input *input)
{
    static const QmpMember members[] = {
        {"multifd-compression", {.type = QMP_STRING, .text = "none"}},
        {"multifd-compression", {.type = QMP_STRING, .text = "zlib"}},
        {"multifd-compression", {.type = QMP_STRING, .text = "qpl"}},
        {"tls-creds", {.type = QMP_STRING, .text = ""}},
        {"tls-creds", {.type = QMP_STRING, .text = "tls0"}},
        {"tls-creds", {.type = QMP_NULL}},
        {"mode", {.type = QMP_STRING, .text = "normal"}},
        {"mode", {.type = QMP_STRING, .text = "cpr-reboot"}},
        {"mode", {.type = QMP_STRING, .text = "cpr-exec"}},
    };
    const QmpMember *member = &members[take_below(input, COUNT_OF(members))];
    const char *text = member->value.text != NULL ? member->value.text : "";
    MigrationError error;
    int result = qmp_migrate_set_parameters(model->state, member, 1, &error);
    MUST(result == 0 || (result == -EINVAL && error.message != NULL));
    migration_error_clear(&error);
    if (result < 0) {
        return;
    }
    switch (migration_parameter_from_name(member->name)) {
    case MIGRATION_PARAMETER_MULTIFD_COMPRESSION:
        model->context.compressed = strcmp(text, "none") != 0;
        break;
    case MIGRATION_PARAMETER_TLS_CREDS:
        model->context.tls = *text != '\0';
        break;
    default:
        model->context.no_ram_tracked = strcmp(text, "cpr-exec") == 0;
        break;
    }
}

/* ---- The target ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const steps[])(Model *model, Input *input) = {switch_one, switch_sets, switch_list, set_status,
                                                                set_parameter};
    Input input = {data, size};
    Model model = {.context = take_context(&input)};
    Stated stated = take_host(&input);
    model.host = stated.host;
    model.known = qemu_build_capabilities(&model.context.build);
    MUST(migration_state_new(&model.context, model.host, &model.state) == 0);
    model.context.compressed = model.context.tls = model.context.no_ram_tracked = false;
    for (state_is(&model); input.left > 0; state_is(&model)) {
        steps[take_below(&input, COUNT_OF(steps))](&model, &input);
    }
    migration_state_free(model.state);
    migration_host_free(stated.host);
    return 0;
}
