/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to set parameters, with values of every type. A request that names numbers, flags, texts and enums must be
 * accepted exactly if the table below says so; of any request, all is stored or nothing. */
#include "fuzz.h"

/* ---- What a request must answer ---- */

/* The values that QEMU takes, where the type allows more. */
typedef struct Range {
    int parameter;
    uint64_t min, max;
} Range;

static const Range ranges[] = {
    {MIGRATION_PARAMETER_COMPRESS_LEVEL, 0, 9},
    {MIGRATION_PARAMETER_COMPRESS_THREADS, 1, 255},
    {MIGRATION_PARAMETER_DECOMPRESS_THREADS, 1, 255},
    {MIGRATION_PARAMETER_THROTTLE_TRIGGER_THRESHOLD, 1, 100},
    {MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL, 1, 99},
    {MIGRATION_PARAMETER_CPU_THROTTLE_INCREMENT, 1, 99},
    {MIGRATION_PARAMETER_MAX_CPU_THROTTLE, 0, 99},
    {MIGRATION_PARAMETER_DOWNTIME_LIMIT, 0, 2000000},
    {MIGRATION_PARAMETER_MULTIFD_CHANNELS, 1, 255},
    {MIGRATION_PARAMETER_MULTIFD_ZLIB_LEVEL, 0, 9},
    {MIGRATION_PARAMETER_MULTIFD_QATZIP_LEVEL, 1, 9},
    {MIGRATION_PARAMETER_MULTIFD_ZSTD_LEVEL, 0, 20},
    {MIGRATION_PARAMETER_ANNOUNCE_INITIAL, 0, 100000},
    {MIGRATION_PARAMETER_ANNOUNCE_MAX, 0, 100000},
    {MIGRATION_PARAMETER_ANNOUNCE_ROUNDS, 0, 1000},
    {MIGRATION_PARAMETER_ANNOUNCE_STEP, 1, 10000},
    {MIGRATION_PARAMETER_X_VCPU_DIRTY_LIMIT_PERIOD, 1, 1000},
    {MIGRATION_PARAMETER_VCPU_DIRTY_LIMIT, 1, UINT64_MAX},
    {MIGRATION_PARAMETER_X_RDMA_CHUNK_SIZE, 1 << 20, 1 << 30},
};

/* A state and its parameters' numbers: of a text or a list its length, of an enum the number of its value. */
typedef struct Model {
    MigrationContext context;
    CapabilitySet known;
    MigrationState *state;
    uint64_t numbers[MIGRATION_PARAMETER__MAX];
} Model;

static bool is_power_of_two(uint64_t number)
{
    return (number & (number - 1)) == 0;
}

static bool in_range(const Model *model, const uint64_t *numbers)
{
    bool all = true;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        uint64_t number = numbers[ranges[i].parameter];
        bool known = migration_parameter_known(&model->context.build, ranges[i].parameter);
        all &= !known || (number >= ranges[i].min && number <= ranges[i].max);
    }
    return all;
}

/* Whether a parameter fits, of those that this build has. */
#define FITS(name, condition)                                                                                          \
    (!migration_parameter_known(&model->context.build, MIGRATION_PARAMETER_##name) || (condition))

static bool fits_together(const Model *model, const uint64_t *numbers)
{
    const MigrationContext *context = &model->context;
    uint64_t build_page = context->build.target_page_size != 0 ? context->build.target_page_size : 4096;
    uint64_t page_size = context->target_page_size != 0 ? context->target_page_size : build_page;
    uint64_t cache_size = numbers[MIGRATION_PARAMETER_XBZRLE_CACHE_SIZE];
    CapabilitySet set = migration_capabilities(model->state);
    bool zero_copy = context->build.on_linux && (set & one(MIGRATION_CAPABILITY_ZERO_COPY_SEND)) != 0;
    bool mapped_ram = context->build.release >= QEMU_9_0 && (set & one(MIGRATION_CAPABILITY_MAPPED_RAM)) != 0;
    bool compressed = numbers[MIGRATION_PARAMETER_MULTIFD_COMPRESSION] != MULTIFD_COMPRESSION_NONE;
    bool tls = numbers[MIGRATION_PARAMETER_TLS_CREDS] != 0;
    bool stored = migrate_multifd_compression(model->state) != MULTIFD_COMPRESSION_NONE || migrate_tls(model->state);
    return FITS(XBZRLE_CACHE_SIZE, cache_size >= page_size && is_power_of_two(cache_size)) &&
           FITS(MAX_CPU_THROTTLE,
                numbers[MIGRATION_PARAMETER_MAX_CPU_THROTTLE] >= numbers[MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL]) &&
           FITS(X_RDMA_CHUNK_SIZE, is_power_of_two(numbers[MIGRATION_PARAMETER_X_RDMA_CHUNK_SIZE])) &&
           FITS(DIRECT_IO, context->build.direct_io || numbers[MIGRATION_PARAMETER_DIRECT_IO] == 0) &&
           FITS(MULTIFD_COMPRESSION, !(zero_copy && compressed)) && FITS(TLS_CREDS, !(zero_copy && tls)) &&
           FITS(MULTIFD_COMPRESSION, !(mapped_ram && stored));
}

/* The number of an enum's value with this name in any release; one past the last if there is none. */
static uint64_t number_of_name(int parameter, const char *text)
{
    uint64_t number = 0;
    while (migration_parameter_value_name(parameter, number) != NULL &&
           strcmp(migration_parameter_value_name(parameter, number), text) != 0) {
        number++;
    }
    return number;
}

static bool are_texts(const QmpValue *value)
{
    bool all = value->type == QMP_ARRAY;
    for (uint64_t i = 0; all && i < value->number; i++) {
        all = value->elements[i].type == QMP_STRING;
    }
    return all;
}

/* Whether the value has the parameter's type, and as which number it is stored. */
static bool has_type(const QemuBuild *build, int parameter, const QmpValue *value, uint64_t *number)
{
    *number = value->number;
    switch (migration_parameter_type(parameter)) {
    case PARAMETER_UINT8:
        return value->type == QMP_INT && *number <= UINT8_MAX;
    case PARAMETER_UINT32:
        return value->type == QMP_INT && *number <= UINT32_MAX;
    case PARAMETER_UINT64:
        return value->type == QMP_INT;
    case PARAMETER_BOOL:
        return value->type == QMP_BOOL;
    case PARAMETER_STRING:
        *number = value->type == QMP_STRING ? strlen(value->text) : 0;
        return value->type == QMP_STRING || value->type == QMP_NULL;
    case PARAMETER_STRINGS:
        return are_texts(value);
    case PARAMETER_ENUM:
        *number = value->type == QMP_STRING ? number_of_name(parameter, value->text) : 0;
        return value->type == QMP_STRING && migration_parameter_value_known(build, parameter, *number);
    default:
        return false;
    }
}

/* ---- The request ---- */

enum {
    MOST_MEMBERS = 6,
    MOST_NODES = 64,  /* values within values of any shape, over the whole request */
    MOST_MAPPED = 48, /* values within a mapping of bitmaps */
    MOST_TEXT = 1100  /* bytes */
};

/* What a request is made of; nothing in it is freed by itself. */
typedef struct Request {
    QmpMember members[MOST_MEMBERS];
    size_t count;
    QmpValue elements[MOST_NODES + MOST_MAPPED];
    QmpMember nested[MOST_NODES + MOST_MAPPED];
    size_t n_elements, n_nested;
    char text[MOST_TEXT];
} Request;

static QmpValue take_string(Input *input, const Request *request)
{
    static const char *const texts[] = {"",         "none",   "zlib",     "zstd",    "qatzip", "qpl",
                                        "uadk",     "normal", "legacy",   "multifd", "tls0",   "cpr-transfer",
                                        "cpr-exec", "drive0", "\xff\xfe", "1"};
    int number = take_below(input, COUNT_OF(texts) + 1);
    return (QmpValue){.type = QMP_STRING, .text = number < (int)COUNT_OF(texts) ? texts[number] : request->text};
}

/* Often next to the ends of a range: the parameter's own, or where it has none, another's. */
static uint64_t take_number(Input *input, int parameter)
{
    const Range *range = &ranges[take_below(input, COUNT_OF(ranges))];
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        range = ranges[i].parameter == parameter ? &ranges[i] : range;
    }
    switch (take_below(input, 4)) {
    case 0:
        return range->min + (uint64_t)take_below(input, 3) - 1;
    case 1:
        return range->max + (uint64_t)take_below(input, 3) - 1;
    case 2:
        return (uint64_t)1 << take_below(input, 64);
    default:
        return take(input, 8);
    }
}

static QmpValue take_value(Input *input, Request *request, int parameter, int depth);

static QmpValue take_array(Input *input, Request *request, size_t count, int depth)
{
    QmpValue *elements = &request->elements[request->n_elements];
    request->n_elements += count;
    for (size_t i = 0; i < count; i++) {
        elements[i] = take_value(input, request, -1, depth + 1);
    }
    return (QmpValue){.type = QMP_ARRAY, .number = count, .elements = elements};
}

static QmpValue take_object(Input *input, Request *request, size_t count, int depth)
{
    static const char *const names[] = {"node-name", "alias", "bitmaps", "name", "transform", "persistent", "more"};
    QmpMember *members = &request->nested[request->n_nested];
    size_t first = (size_t)take_below(input, COUNT_OF(names));
    request->n_nested += count;
    for (size_t i = 0; i < count; i++) {
        members[i].name = names[(first + i) % COUNT_OF(names)];
        members[i].value = take_value(input, request, -1, depth + 1);
    }
    return (QmpValue){.type = QMP_OBJECT, .number = count, .members = members};
}

/* How many values the next array or object may have. */
static size_t take_count(Input *input, const Request *request, int depth)
{
    enum {
        MOST = 4
    };
    bool is_room = request->n_elements + MOST <= MOST_NODES && request->n_nested + MOST <= MOST_NODES;
    return is_room && depth < 4 ? (size_t)take_below(input, MOST + 1) : 0;
}

static QmpValue take_value(Input *input, Request *request, int parameter, int depth)
{
    int type = take_below(input, QMP_OTHER + 1);
    switch (type) {
    case QMP_BOOL:
        return (QmpValue){.type = type, .number = take_bool(input)};
    case QMP_INT:
        return (QmpValue){.type = type, .number = take_number(input, parameter)};
    case QMP_STRING:
        return take_string(input, request);
    case QMP_ARRAY:
        return take_array(input, request, take_count(input, request, depth), depth);
    case QMP_OBJECT:
        return take_object(input, request, take_count(input, request, depth), depth);
    default:
        return (QmpValue){.type = type};
    }
}

/* A mapping of bitmaps with all members; the texts may be wrong. */
static QmpValue take_mapping(Input *input, Request *request, bool of_nodes)
{
    QmpValue *elements = &request->elements[request->n_elements];
    size_t count = (size_t)take_below(input, 4);
    request->n_elements += count;
    for (size_t i = 0; i < count; i++) {
        QmpMember *members = &request->nested[request->n_nested];
        request->n_nested += of_nodes ? 3 : 2;
        members[0] = (QmpMember){of_nodes ? "node-name" : "name", take_string(input, request)};
        members[1] = (QmpMember){"alias", take_string(input, request)};
        if (of_nodes) {
            members[2] = (QmpMember){"bitmaps", take_mapping(input, request, false)};
        }
        elements[i] = (QmpValue){.type = QMP_OBJECT, .number = of_nodes ? 3 : 2, .members = members};
    }
    return (QmpValue){.type = QMP_ARRAY, .number = count, .elements = elements};
}

/* A value of the right type, more often than by chance. */
static QmpValue take_value_for(Input *input, Request *request, int parameter)
{
    if (take_below(input, 4) == 0) {
        return take_value(input, request, parameter, 0);
    }
    switch (migration_parameter_type(parameter)) {
    case PARAMETER_BOOL:
        return (QmpValue){.type = QMP_BOOL, .number = take_bool(input)};
    case PARAMETER_STRING:
    case PARAMETER_ENUM:
        return take_string(input, request);
    case PARAMETER_STRINGS:
        return take_value(input, request, parameter, 0);
    case PARAMETER_BITMAPS:
        return take_mapping(input, request, true);
    default:
        return (QmpValue){.type = QMP_INT, .number = take_number(input, parameter)};
    }
}

/* Each name occurs once, as in any JSON object that QEMU reads. */
static void take_request(Input *input, Request *request)
{
    size_t most = (size_t)take_below(input, MOST_MEMBERS + 1);
    uint64_t named = 0;
    memset(request, 0, sizeof(*request));
    memset(request->text, 'x', take(input, 2) % MOST_TEXT);
    for (size_t i = 0; i < most; i++) {
        int parameter = take_below(input, MIGRATION_PARAMETER__MAX + 1);
        const char *name = migration_parameter_name(parameter);
        if ((named >> parameter & 1) == 0) {
            request->members[request->count].name = name != NULL ? name : "no-such-parameter";
            request->members[request->count++].value = take_value_for(input, request, parameter);
        }
        named |= (uint64_t)1 << parameter;
    }
}

/* ---- The target ---- */

/* The numbers as the request would make them. False if it must be refused for its names or types. A mapping of bitmaps
 * has rules of its own: `*certain` becomes false. */
static bool follow_request(const Model *model, const Request *request, uint64_t *numbers, bool *certain)
{
    const QemuBuild *build = &model->context.build;
    bool follows = true;
    memcpy(numbers, model->numbers, sizeof(model->numbers));
    for (size_t i = 0; i < request->count; i++) {
        int parameter = migration_parameter_from_name(request->members[i].name);
        uint64_t number = 0;
        if (!migration_parameter_known(build, parameter)) {
            follows = false;
        } else if (migration_parameter_type(parameter) == PARAMETER_BITMAPS) {
            *certain = false;
            numbers[parameter] = request->members[i].value.number;
        } else {
            follows &= has_type(build, parameter, &request->members[i].value, &number);
            numbers[parameter] = migration_parameter_ignored(build, parameter) ? numbers[parameter] : number;
        }
    }
    return follows;
}

static uint64_t number_of(int parameter, const QmpValue *value)
{
    switch (migration_parameter_type(parameter)) {
    case PARAMETER_STRING:
        return strlen(value->text);
    case PARAMETER_ENUM:
        return number_of_name(parameter, value->text);
    default:
        return value->number;
    }
}

/* What a query answers for one parameter. */
static void parameter_is(const Model *model, const MigrationParameters *parameters, int parameter)
{
    QmpMember member;
    bool known = migration_parameter_known(&model->context.build, parameter);
    bool never_set =
        migration_parameter_type(parameter) == PARAMETER_BITMAPS && !migrate_has_block_bitmap_mapping(model->state);
    int result = migration_parameters_get(parameters, parameter, &member);
    MUST(result == (!known ? -EINVAL : never_set ? -ENOENT : 0));
    if (result == 0) {
        MUST(strcmp(member.name, migration_parameter_name(parameter)) == 0);
        MUST(number_of(parameter, &member.value) == model->numbers[parameter]);
    }
}

static void parameters_are(const Model *model)
{
    MigrationParameters *parameters = qmp_query_migrate_parameters(model->state);
    MUST(parameters != NULL);
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        parameter_is(model, parameters, i);
    }
    migration_parameters_free(parameters);
}

/* Whether the request must be accepted, and is: a dry run. */
static bool try_request(const Model *model, const Request *request)
{
    uint64_t numbers[MIGRATION_PARAMETER__MAX];
    MigrationError error;
    bool certain = true;
    bool accepted =
        follow_request(model, request, numbers, &certain) && in_range(model, numbers) && fits_together(model, numbers);
    int result = migrate_try_parameters(model->state, request->members, request->count, &error);
    MUST(result == 0 || result == -EINVAL);
    MUST((result == 0) == (error.message == NULL));
    MUST(!certain || result == (accepted ? 0 : -EINVAL));
    MUST(accepted || result == -EINVAL);
    migration_error_clear(&error);
    return result == 0;
}

static void one_request(Input *input, Model *model)
{
    Request request;
    MigrationError error;
    bool certain = true;

    take_request(input, &request);
    bool accepted = try_request(model, &request);
    parameters_are(model);
    int result = qmp_migrate_set_parameters(model->state, request.members, request.count, &error);
    MUST(result == (accepted ? 0 : -EINVAL));
    migration_error_clear(&error);
    migrate_parameters_faults(model->state, request.members, request.count);
    if (accepted) {
        uint64_t numbers[MIGRATION_PARAMETER__MAX];
        follow_request(model, &request, numbers, &certain);
        memcpy(model->numbers, numbers, sizeof(numbers));
    }
    parameters_are(model);
}

static void ends_are_ends(const Model *model, const Range *range)
{
    const uint64_t numbers[] = {range->min - 1, range->min, range->max, range->max + 1};
    Request request = {.members = {{migration_parameter_name(range->parameter), {.type = QMP_INT}}}, .count = 1};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        request.members[0].value.number = numbers[i];
        try_request(model, &request);
    }
}

static void start_with_defaults(Model *model)
{
    MigrationParameters *parameters = qmp_query_migrate_parameters(model->state);
    MUST(parameters != NULL);
    for (int i = 0; i < MIGRATION_PARAMETER__MAX; i++) {
        QmpMember member;
        model->numbers[i] = migration_parameters_get(parameters, i, &member) == 0 ? number_of(i, &member.value) : 0;
    }
    /* A check of another parameter looks at it, even if this build lacks it. */
    model->numbers[MIGRATION_PARAMETER_CPU_THROTTLE_INITIAL] = migrate_cpu_throttle_initial(model->state);
    migration_parameters_free(parameters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, size};
    Model model = {.context = take_context(&input)};
    Stated stated = take_host(&input);
    model.known = qemu_build_capabilities(&model.context.build);
    MUST(migration_state_new(&model.context, stated.host, &model.state) == 0);
    start_with_defaults(&model);
    ends_are_ends(&model, &ranges[take_below(&input, COUNT_OF(ranges))]);
    do {
        migrate_change_capabilities(model.state, take_set(&input, model.known), 0);
        one_request(&input, &model);
    } while (input.left > 0);
    migration_state_free(model.state);
    migration_host_free(stated.host);
    return 0;
}
