/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What migrate and migrate-incoming refuse. */
#include <errno.h>
#include <string.h>

#include "migration/command.h"
#include "migration/transport.h"
#include "qemu/capability.h"
#include "qemu/fault.h"
#include "state/request.h"
#include "state/state.h"

/* ---- The arguments, as the schema has them ---- */

static bool is_one_of(const char *const names[], const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

static bool has_channel_type(const QemuBuild *build, int parameter, const char *name)
{
    (void)parameter;
    return strcmp(name, "main") == 0 || (strcmp(name, "cpr") == 0 && release_within(build->release, FROM(10_0)));
}

static bool has_transport(const QemuBuild *build, int parameter, const char *name)
{
    static const char *const names[] = {"socket", "exec", "rdma", "file", NULL};
    (void)build, (void)parameter;
    return is_one_of(names, name);
}

static bool has_socket_type(const QemuBuild *build, int parameter, const char *name)
{
    static const char *const names[] = {"inet", "unix", "vsock", "fd", NULL};
    (void)build, (void)parameter;
    return is_one_of(names, name);
}

/* clang-format off */
static const QapiType boolean = {.kind = QAPI_BOOL};
static const QapiType string = {.kind = QAPI_STRING};
static const QapiType strings = {.kind = QAPI_ARRAY, .element = &string};
static const QapiType uint16 = {.kind = QAPI_UINT, .max = UINT16_MAX, .name = "uint16_t"};
static const QapiType uint32 = {.kind = QAPI_UINT, .max = UINT32_MAX, .name = "uint32_t"};
static const QapiType uint64 = {.kind = QAPI_UINT, .max = UINT64_MAX, .name = "uint64"};
static const QapiType channel_type = {.kind = QAPI_ENUM, .has_value = has_channel_type};
static const QapiType transport_type = {.kind = QAPI_ENUM, .has_value = has_transport};
static const QapiType socket_type = {.kind = QAPI_ENUM, .has_value = has_socket_type};

#define OBJECT(name, ...)                                                                                              \
    static const QapiMember name##_members[] = {__VA_ARGS__, QAPI_END};                                                \
    static const QapiType name = {.kind = QAPI_OBJECT, .members = name##_members}
#define UNION(name, member, ...)                                                                                       \
    static const QapiMember name##_members[] = {member, QAPI_END};                                                     \
    static const QapiBranch name##_branches[] = {__VA_ARGS__};                                                         \
    static const QapiType name = {.kind = QAPI_OBJECT, .members = name##_members, .is_union = true, .branches = name##_branches}

OBJECT(inet,
       QAPI_REQUIRED("host", &string), QAPI_REQUIRED("port", &string), QAPI_OPTIONAL("numeric", &boolean),
       QAPI_OPTIONAL("to", &uint16), QAPI_OPTIONAL("ipv4", &boolean), QAPI_OPTIONAL("ipv6", &boolean),
       QAPI_OPTIONAL("keep-alive", &boolean), QAPI_OPTIONAL_IN(FROM(10_1), "keep-alive-count", &uint32),
       QAPI_OPTIONAL_IN(FROM(10_1), "keep-alive-idle", &uint32),
       QAPI_OPTIONAL_IN(FROM(10_1), "keep-alive-interval", &uint32), QAPI_OPTIONAL("mptcp", &boolean));
OBJECT(unix_, QAPI_REQUIRED("path", &string), QAPI_OPTIONAL("abstract", &boolean), QAPI_OPTIONAL("tight", &boolean));
OBJECT(vsock, QAPI_REQUIRED("cid", &string), QAPI_REQUIRED("port", &string));
OBJECT(fd, QAPI_REQUIRED("str", &string));
OBJECT(exec, QAPI_REQUIRED("args", &strings));
OBJECT(file, QAPI_REQUIRED("filename", &string), QAPI_REQUIRED("offset", &uint64));
UNION(socket_address, QAPI_REQUIRED("type", &socket_type),
      {"inet", &inet}, {"unix", &unix_}, {"vsock", &vsock}, {"fd", &fd});
UNION(address, QAPI_REQUIRED("transport", &transport_type),
      {"socket", &socket_address}, {"exec", &exec}, {"rdma", &inet}, {"file", &file});
OBJECT(channel, QAPI_REQUIRED("channel-type", &channel_type), QAPI_REQUIRED("addr", &address));
static const QapiType channels = {.kind = QAPI_ARRAY, .element = &channel};

#define URI QAPI_REQUIRED_IN(BEFORE(8_2), "uri", &string), QAPI_OPTIONAL_IN(FROM(8_2), "uri", &string)
#define CHANNELS QAPI_OPTIONAL_IN(FROM(8_2), "channels", &channels)

OBJECT(migrate, URI, CHANNELS, QAPI_OPTIONAL_IN(BEFORE(9_1), "blk", &boolean),
       QAPI_OPTIONAL_IN(BEFORE(9_1), "inc", &boolean), QAPI_OPTIONAL_IN(BEFORE(10_2_50), "detach", &boolean),
       QAPI_OPTIONAL("resume", &boolean));
OBJECT(migrate_incoming, URI, CHANNELS, QAPI_OPTIONAL_IN(FROM(9_1), "exit-on-error", &boolean));
/* clang-format on */

/* ---- What the answer depends on ---- */

enum {
    MIGRATE = 1 << 0,
    INCOMING = 1 << 1,
    BOTH = MIGRATE | INCOMING,
};

/* The properties of a command and of the QEMU that gets it. */
typedef uint64_t Facts;

#define HAS_URI ((Facts)1 << 0)
#define HAS_CHANNELS ((Facts)1 << 1)
#define SEVERAL_CHANNELS ((Facts)1 << 2)
#define SEVERAL_MAIN_CHANNELS ((Facts)1 << 3)
#define SEVERAL_CPR_CHANNELS ((Facts)1 << 4)
#define HAS_CPR_CHANNEL ((Facts)1 << 5)
#define HAS_MAIN_CHANNEL ((Facts)1 << 6)
#define UNKNOWN_SCHEME ((Facts)1 << 7)
#define WRONG_ADDRESS ((Facts)1 << 8)
#define TO_FILE ((Facts)1 << 9)
#define TO_FD ((Facts)1 << 10)
#define TO_RDMA ((Facts)1 << 11)
#define MULTI_CHANNEL ((Facts)1 << 12) /* the transport can carry several */
#define MAPPED_RAM ((Facts)1 << 13)
#define RESUME ((Facts)1 << 14)
#define IS_PAUSED ((Facts)1 << 15) /* the status is postcopy-paused */
#define IS_RUNNING ((Facts)1 << 16)
#define IN_MIGRATE ((Facts)1 << 17)
#define POST_MIGRATE ((Facts)1 << 18)
#define IS_POISONED ((Facts)1 << 19)
#define IS_BLOCKED ((Facts)1 << 20)
#define HAS_TLS ((Facts)1 << 21)
#define IS_COMPRESSED ((Facts)1 << 22)
#define IS_CPR ((Facts)1 << 23) /* the mode is not normal */
#define IS_CPR_TRANSFER ((Facts)1 << 24)
#define IS_CPR_EXEC ((Facts)1 << 25)
#define HAS_CPR_COMMAND ((Facts)1 << 26)
#define COPIES_DISKS ((Facts)1 << 27) /* blk or inc */
#define WAS_STARTED ((Facts)1 << 28)  /* migrate-incoming was accepted before */
#define RDMA_WITHOUT_PORT ((Facts)1 << 29)
#define NO_EXEC_ARGUMENTS ((Facts)1 << 30)
#define IS_INCREMENTAL ((Facts)1 << 31) /* block-incremental */
#define HAS_PRIVATE_MEMORY ((Facts)1 << 32)
#define REDIRECTS ((Facts)1 << 33) /* an exec'd command writes to a file: it contains a ">" */
#define INCOMING_FAILED ((Facts)1 << 34)

/* What a row's text names. */
typedef enum Named {
    NOTHING,
    THE_URI,
    THE_ADDRESS, /* the part of the uri after the scheme */
    THE_BLOCKER
} Named;

typedef struct CommandRow {
    const char *text;
    int commands;
    ReleaseSet releases; /* 0: always */
    Facts when;          /* refuses if all of these hold, */
    Facts unless;        /* none of these, */
    CapabilitySet any;   /* and one of these is on (0: no matter) */
    Named named;
} CommandRow;

#define ADDRESS_FAULT NULL /* the text depends on the transport */
#define MULTIFD_OR_PREEMPT (CAP(MULTIFD) | CAP(POSTCOPY_PREEMPT))
#define SINGLE_CHANNEL_TEXT "Migration requires multi-channel URIs (e.g. tcp)"
#define BOTH_GIVEN "'uri' and 'channels' arguments are mutually exclusive; exactly one of the two should be present in "
#define NONE_GIVEN "neither 'uri' or 'channels' argument are specified in "
#define NEED_ONE "need either 'uri' or 'channels' argument"
#define ONLY_MAIN "Channel list must have only one entry, for type 'main'"
#define NO_CPR_CHANNEL "missing 'cpr' migration channel"
#define INCOMPATIBLE_OPTIONS "Command options are incompatible with current migration capabilities"
#define ACTIVE "There's a migration process in progress"

/* clang-format off */
/* In QEMU's order. Up to 8.1 migrate looks at the scheme and the address last, when it connects. */
static const CommandRow rows[] = {
    {"The incoming migration has already been started", INCOMING, .when = WAS_STARTED},
    {"'-incoming' was not specified on the command line", INCOMING, .unless = IN_MIGRATE},

    {BOTH_GIVEN "'migrate' qmp command ", MIGRATE, BETWEEN(8_2, 9_0), .when = HAS_URI | HAS_CHANNELS},
    {BOTH_GIVEN "'migrate-incoming' qmp command ", INCOMING, BETWEEN(8_2, 9_0), .when = HAS_URI | HAS_CHANNELS},
    {NONE_GIVEN "'migrate' qmp command ", MIGRATE, BETWEEN(8_2, 9_0), .unless = HAS_URI | HAS_CHANNELS},
    {NONE_GIVEN "'migrate-incoming' qmp command ", INCOMING, BETWEEN(8_2, 9_0), .unless = HAS_URI | HAS_CHANNELS},
    {NEED_ONE, BOTH, FROM(9_0), .when = HAS_URI | HAS_CHANNELS},
    {NEED_ONE, BOTH, FROM(9_0), .unless = HAS_URI | HAS_CHANNELS},
    {"Channel list has more than one entries", BOTH, BETWEEN(8_2, 10_0), .when = SEVERAL_CHANNELS},
    {ONLY_MAIN, INCOMING, FROM(10_0), .when = SEVERAL_CHANNELS},
    {"Channel list has more than one main entry", MIGRATE, FROM(10_0), .when = SEVERAL_MAIN_CHANNELS},
    {"Channel list has more than one cpr entry", MIGRATE, FROM(10_0), .when = SEVERAL_CPR_CHANNELS},
    {"unknown migration protocol: %s", MIGRATE, FROM(8_2), .when = UNKNOWN_SCHEME, .named = THE_URI},
    {"unknown migration protocol: %s", INCOMING, .when = UNKNOWN_SCHEME, .named = THE_URI},
    {ADDRESS_FAULT, MIGRATE, FROM(8_2), .when = WRONG_ADDRESS, .named = THE_ADDRESS},
    {ADDRESS_FAULT, INCOMING, .when = WRONG_ADDRESS, .named = THE_ADDRESS},
    {NO_CPR_CHANNEL, MIGRATE, FROM(10_2_50), .when = IS_CPR_TRANSFER | HAS_CHANNELS, .unless = HAS_CPR_CHANNEL},

    {"Migration requires seekable transport (e.g. file)", BOTH, FROM(9_0), .when = MAPPED_RAM, .unless = TO_FILE},
    {SINGLE_CHANNEL_TEXT, BOTH, BETWEEN(8_0, 8_2), .unless = MULTI_CHANNEL, .any = MULTIFD_OR_PREEMPT},
    {SINGLE_CHANNEL_TEXT, BOTH, ONLY(8_2), .when = TO_FD, .any = MULTIFD_OR_PREEMPT},
    {SINGLE_CHANNEL_TEXT, BOTH, FROM(8_2_2), .unless = MULTI_CHANNEL | MAPPED_RAM, .any = MULTIFD_OR_PREEMPT},
    {"Migration requires streamable transport (eg unix)", BOTH, FROM(10_0), .when = IS_CPR_TRANSFER | TO_FILE},
    {"Illegal migration incoming state: setup", INCOMING, FROM(9_1), .when = INCOMING_FAILED},
    {NO_CPR_CHANNEL, MIGRATE, BETWEEN(10_0, 10_2_50), .when = IS_CPR_TRANSFER, .unless = HAS_CPR_CHANNEL},
    {"RDMA and compression can't be used together", INCOMING, BETWEEN(8_2, 9_1), .when = TO_RDMA, .any = CAP(COMPRESS)},
    {"RDMA and XBZRLE can't be used together", INCOMING, BETWEEN(8_2, 10_1), .when = TO_RDMA, .any = CAP(XBZRLE)},
    {"RDMA and multifd can't be used together", INCOMING, BETWEEN(8_2, 10_1), .when = TO_RDMA, .any = CAP(MULTIFD)},
    {"RDMA and XBZRLE can't be used together", BOTH, FROM(10_1), .when = TO_RDMA, .any = CAP(XBZRLE)},
    {"RDMA and multifd can't be used together", BOTH, FROM(10_1), .when = TO_RDMA, .any = CAP(MULTIFD)},
    {"RDMA and postcopy-ram can't be used together", BOTH, FROM(10_1), .when = TO_RDMA, .any = CAP(POSTCOPY_RAM)},

    {"Cannot resume if there is no paused migration", MIGRATE, .when = RESUME, .unless = IS_PAUSED},
    {"Postcopy recovery cannot work when release-ram capability is set", MIGRATE, .when = RESUME, .any = CAP(RELEASE_RAM)},
    {ACTIVE, MIGRATE, .when = IS_RUNNING, .unless = RESUME},
    {"Guest is waiting for an incoming migration", MIGRATE, .when = IN_MIGRATE, .unless = RESUME},
    {"Can't migrate the vm that was paused due to previous migration", MIGRATE, .when = POST_MIGRATE, .unless = RESUME},
    {"Can't migrate this vm with hardware poisoned memory, please reboot the vm and try again", MIGRATE, FROM(9_0),
     .when = IS_POISONED, .unless = RESUME},
    {"cpr-exec mode requires setting cpr-exec-command", MIGRATE, FROM(10_2_50), .when = IS_CPR_EXEC,
     .unless = HAS_CPR_COMMAND | RESUME},
    {"Memory region /rom@etc/acpi/rsdp is not compatible with CPR. share=on is required for memory-backend objects, and "
     "aux-ram-share=on is required.", MIGRATE, FROM(10_0), .when = IS_CPR_TRANSFER | HAS_PRIVATE_MEMORY, .unless = RESUME},
    {"%s", MIGRATE, .when = IS_BLOCKED, .unless = RESUME, .named = THE_BLOCKER},
    {"Cannot use TLS with mapped-ram", MIGRATE, FROM(9_0), .when = MAPPED_RAM | HAS_TLS, .unless = RESUME},
    {"Cannot use compression with mapped-ram", MIGRATE, FROM(9_0), .when = MAPPED_RAM | IS_COMPRESSED, .unless = RESUME},
    {"Cannot use postcopy with CPR", MIGRATE, FROM(9_0), .when = IS_CPR, .unless = RESUME,
     .any = CAP(POSTCOPY_RAM) | CAP(DIRTY_BITMAPS)},
    {"Cannot use background snapshot with CPR", MIGRATE, FROM(9_0), .when = IS_CPR, .unless = RESUME,
     .any = CAP(BACKGROUND_SNAPSHOT)},
    {"Cannot use COLO with CPR", MIGRATE, FROM(9_0), .when = IS_CPR, .unless = RESUME, .any = CAP(X_COLO)},
    {"Parameter 'cpr-exec-command' required for cpr-exec", MIGRATE, BETWEEN(10_2, 10_2_50), .when = IS_CPR_EXEC,
     .unless = HAS_CPR_COMMAND | RESUME},
    {"No disk migration is required in COLO mode", MIGRATE, BEFORE(9_1), .when = COPIES_DISKS, .unless = RESUME,
     .any = CAP(X_COLO)},
    {INCOMPATIBLE_OPTIONS, MIGRATE, BEFORE(9_1), .when = COPIES_DISKS, .unless = RESUME, .any = CAP(BLOCK)},
    {INCOMPATIBLE_OPTIONS, MIGRATE, BEFORE(9_1), .when = COPIES_DISKS | IS_INCREMENTAL, .unless = RESUME},

    {"Parameter 'uri' expects a valid migration protocol", MIGRATE, BEFORE(8_1), .when = UNKNOWN_SCHEME},
    {ADDRESS_FAULT, MIGRATE, BEFORE(8_2), .when = WRONG_ADDRESS, .named = THE_ADDRESS},
};
/* clang-format on */

int migration_command_rule(int number, int release, MigrationCommandRule *rule)
{
    bool known = number >= 0 && (size_t)number < sizeof(rows) / sizeof(rows[0]) && qemu_release_known(release);
    if (!known) {
        return -ENOENT;
    }
    const CommandRow *row = &rows[number];
    bool said = row->releases == 0 || release_within(release, row->releases);
    *rule = (MigrationCommandRule){
        .text = row->text != NULL ? row->text : "",
        .migrate = said && (row->commands & MIGRATE) != 0,
        .incoming = said && (row->commands & INCOMING) != 0,
        .capabilities = row->any,
    };
    return 0;
}

/* A command whose arguments were visited. */
typedef struct Command {
    int kind;          /* MIGRATE or INCOMING */
    const char *uri;   /* NULL: not given */
    int transport;     /* enum MigrationTransport of the main channel; negative if it is unknown */
    const char *fault; /* of the uri's address; NULL if there is none */
    Facts facts;
} Command;

static Facts if_true(bool is, Facts fact)
{
    return is ? fact : 0;
}

static bool is_given_and_true(const QmpValue *request, const char *name)
{
    const QmpValue *value = qmp_member_of(request, name);
    return value != NULL && value->number != 0;
}

static bool redirects(const char *command)
{
    return strchr(command, '>') != NULL;
}

static void read_uri(const QemuBuild *build, Command *command)
{
    command->facts |= HAS_URI;
    command->transport = migration_transport_of_uri(build, command->uri);
    if (command->transport >= 0) {
        command->fault = transport_address_fault(build, command->transport, transport_address(command->uri));
    }
    bool is_rdma = command->transport == MIGRATION_TRANSPORT_RDMA,
         is_exec = command->transport == MIGRATION_TRANSPORT_EXEC;
    bool lacks_port = is_rdma && rdma_address_is_wrong(build, transport_address(command->uri));
    command->facts |= if_true(lacks_port, RDMA_WITHOUT_PORT) | if_true(is_exec && redirects(command->uri), REDIRECTS);
    command->facts |= if_true(command->transport < 0, UNKNOWN_SCHEME) | if_true(command->fault != NULL, WRONG_ADDRESS);
}

static Facts facts_of_arguments(const QmpValue *arguments)
{
    Facts facts = if_true(arguments->number == 0, NO_EXEC_ARGUMENTS);
    for (uint64_t i = 0; i < arguments->number; i++) {
        facts |= if_true(redirects(arguments->elements[i].text), REDIRECTS);
    }
    return facts;
}

/* The transport is that of the last main channel; QEMU refuses more than one. */
static void read_channels(const QmpValue *list, Command *command)
{
    int mains = 0, others = 0;
    for (uint64_t i = 0; i < list->number; i++) {
        const QmpValue *channel = &list->elements[i];
        if (strcmp(qmp_member_of(channel, "channel-type")->text, "main") == 0) {
            mains++;
            const QmpValue *main_address = qmp_member_of(channel, "addr"),
                           *arguments = qmp_member_of(main_address, "args");
            command->transport = transport_of_address(main_address);
            command->facts |= arguments != NULL ? facts_of_arguments(arguments) : 0;
        } else {
            others++;
        }
    }
    command->facts |= if_true(list->number > 0, HAS_CHANNELS) | if_true(list->number > 1, SEVERAL_CHANNELS) |
                      if_true(mains > 1, SEVERAL_MAIN_CHANNELS) | if_true(others > 1, SEVERAL_CPR_CHANNELS) |
                      if_true(mains > 0, HAS_MAIN_CHANNEL) | if_true(others > 0, HAS_CPR_CHANNEL);
}

static Command read_command(int kind, const QemuBuild *build, const QmpValue *request)
{
    const QmpValue *uri = qmp_member_of(request, "uri"), *channels = qmp_member_of(request, "channels");
    Command command = {.kind = kind, .uri = uri != NULL ? uri->text : NULL, .transport = -1};
    if (channels != NULL) {
        read_channels(channels, &command);
    }
    if (uri != NULL) {
        read_uri(build, &command);
    }
    uint32_t transport = command.transport >= 0 ? (uint32_t)1 << command.transport : 0;
    command.facts |= if_true(transport & TRANSPORT(FILE), TO_FILE) | if_true(transport & TRANSPORT(FD), TO_FD) |
                     if_true(transport & TRANSPORT(RDMA), TO_RDMA) |
                     if_true(transport & MULTI_CHANNEL_TRANSPORTS, MULTI_CHANNEL) |
                     if_true(is_given_and_true(request, "resume"), RESUME) |
                     if_true(is_given_and_true(request, "blk") || is_given_and_true(request, "inc"), COPIES_DISKS);
    return command;
}

/* Call with the lock held. */
static Facts facts_of_state(const MigrationState *state, const MigrationSurroundings *around)
{
    const _Atomic uint64_t *parameters = state->parameters.number;
    bool running = migration_is_running(state) &&
                   (state->status != MIGRATION_STATUS_COLO || release_within(state->context.build.release, FROM(9_2)));
    uint64_t mode = parameters[MIGRATION_PARAMETER_MODE];
    return if_true(running, IS_RUNNING) | if_true(state->status == MIGRATION_STATUS_POSTCOPY_PAUSED, IS_PAUSED) |
           if_true(state->context.incoming, IN_MIGRATE) | if_true(state->incoming_was_started, WAS_STARTED) |
           if_true(around->post_migrate, POST_MIGRATE) | if_true(around->poisoned_memory, IS_POISONED) |
           if_true(around->incoming_failed, INCOMING_FAILED) | if_true(around->blocker != NULL, IS_BLOCKED) |
           if_true(around->private_memory, HAS_PRIVATE_MEMORY) |
           if_true(has_any(state->capabilities, CAP(MAPPED_RAM)), MAPPED_RAM) | if_true(state->context.tls, HAS_TLS) |
           if_true(state->context.compressed, IS_COMPRESSED) | if_true(mode != MIG_MODE_NORMAL, IS_CPR) |
           if_true(mode == MIG_MODE_CPR_TRANSFER, IS_CPR_TRANSFER) | if_true(mode == MIG_MODE_CPR_EXEC, IS_CPR_EXEC) |
           if_true(parameters[MIGRATION_PARAMETER_CPR_EXEC_COMMAND] != 0, HAS_CPR_COMMAND) |
           if_true(parameters[MIGRATION_PARAMETER_BLOCK_INCREMENTAL] != 0, IS_INCREMENTAL);
}

static bool row_refuses(const CommandRow *row, const Command *command, int release, CapabilitySet capabilities)
{
    return (row->commands & command->kind) != 0 && (row->releases == 0 || release_within(release, row->releases)) &&
           (command->facts & row->when) == row->when && (command->facts & row->unless) == 0 &&
           (row->any == 0 || has_any(capabilities, row->any));
}

/* The text, with what it names in the place of %s. */
static int refuse_naming(MigrationError *error, const char *text, const char *named)
{
    const char *place = strstr(text, "%s");
    return place == NULL ? refuse(error, -1, "%s", text)
                         : refuse(error, -1, "%.*s%s%s", (int)(place - text), text, named, place + strlen("%s"));
}

static int refuse_by(const CommandRow *row, const Command *command, const char *blocker, MigrationError *error)
{
    switch (row->named) {
    case THE_URI:
        return refuse_naming(error, row->text, command->uri);
    case THE_ADDRESS:
        return refuse_naming(error, command->fault, transport_address(command->uri));
    case THE_BLOCKER:
        return refuse_naming(error, row->text, blocker);
    default:
        return refuse_naming(error, row->text, "");
    }
}

/* Call with the lock held. Returns 0; -EINVAL with the error filled in; -ENOMEM. */
static int check_command(const MigrationState *state, const Command *command, const MigrationSurroundings *around,
                         MigrationError *error)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (row_refuses(&rows[i], command, state->context.build.release, state->capabilities)) {
            return refuse_by(&rows[i], command, around->blocker, error);
        }
    }
    return 0;
}

/* ---- Known faults ---- */

/* The facts with which a command that nothing refuses runs into a fault. */
static const struct {
    int fault;
    int commands;
    ReleaseSet releases;
    Facts when, unless;
} fatal[] = {
    {FAULT_CPR_TRANSFER_URI, MIGRATE, ALWAYS, HAS_URI | IS_CPR_TRANSFER, 0},
    {FAULT_RDMA_ADDRESS, BOTH, ALWAYS, TO_RDMA | RDMA_WITHOUT_PORT, 0},
    {FAULT_NO_MAIN_CHANNEL, MIGRATE, ALWAYS, HAS_CHANNELS, HAS_MAIN_CHANNEL},
    {FAULT_NO_MAIN_CHANNEL, INCOMING, FROM(11_1), HAS_CHANNELS, HAS_MAIN_CHANNEL},
    {FAULT_NO_EXEC_ARGUMENTS, BOTH, ALWAYS, NO_EXEC_ARGUMENTS, 0},
};

static uint32_t faults_of(int kind, const QemuBuild *build, Facts facts)
{
    uint32_t met = 0;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        bool is_met = (fatal[i].commands & kind) != 0 && release_within(build->release, fatal[i].releases) &&
                      (facts & fatal[i].when) == fatal[i].when && (facts & fatal[i].unless) == 0;
        met |= (uint32_t)is_met << fatal[i].fault;
    }
    return met & qemu_build_faults(build);
}

/* ---- The commands ---- */

static const MigrationSurroundings nothing_around = {0};

/* Checks the types of the arguments. Returns 0; -EINVAL with the error filled in; -ENOMEM. */
static int visit_command(int kind, const QemuBuild *build, const QmpMember *members, size_t count,
                         MigrationError *error)
{
    Visitor visitor = {.build = build, .error = error, .parameter = -1};
    *error = no_error();
    return visit_request(&visitor, kind == MIGRATE ? &migrate : &migrate_incoming, members, count);
}

static int try_command(int kind, const MigrationState *state, const QmpMember *members, size_t count,
                       const MigrationSurroundings *around, Command *command, MigrationError *error)
{
    const QmpValue request = {.type = QMP_OBJECT, .number = count, .members = members};
    int result = visit_command(kind, &state->context.build, members, count, error);
    if (result < 0) {
        return result;
    }
    *command = read_command(kind, &state->context.build, &request);
    states_acquire();
    command->facts |= facts_of_state(state, around);
    result = check_command(state, command, around, error);
    states_release();
    return result;
}

/* blk and inc switch the capability block on, which a rule may refuse. */
static int switch_block_on(MigrationState *state, MigrationError *error)
{
    char text[256];
    int code = migrate_change_capabilities(state, CAP(BLOCK), 0);
    if (code <= 0) {
        return code;
    }
    migration_state_message(state, code, text, sizeof(text));
    return refuse(error, -1, "%s", text);
}

int migrate_try(const MigrationState *state, const QmpMember *members, size_t count,
                const MigrationSurroundings *around, uint32_t *faults, MigrationError *error)
{
    Command command;
    int result = try_command(MIGRATE, state, members, count, around, &command, error);
    *faults = result == 0 ? faults_of(MIGRATE, &state->context.build, command.facts) : 0;
    return result;
}

int migrate_try_incoming(const MigrationState *state, const QmpMember *members, size_t count, uint32_t *faults,
                         MigrationError *error)
{
    Command command;
    int result = try_command(INCOMING, state, members, count, &nothing_around, &command, error);
    *faults = result == 0 ? faults_of(INCOMING, &state->context.build, command.facts) : 0;
    return result;
}

/* Changes the state as migrate does after its checks. */
static int start_outgoing(MigrationState *state, const Command *command, MigrationError *error)
{
    bool resume = (command->facts & RESUME) != 0;
    if ((command->facts & COPIES_DISKS) != 0 && !resume) {
        int result = switch_block_on(state, error);
        if (result < 0) {
            return result;
        }
    }
    return migrate_set_status(state, resume ? MIGRATION_STATUS_POSTCOPY_RECOVER : MIGRATION_STATUS_SETUP);
}

int send_opening(MigrationState *state, int end, const QmpMember *members, size_t count,
                 const MigrationSurroundings *around, uint32_t *faults, MigrationError *error)
{
    Command command;
    int kind = end == MIGRATION_END_SOURCE ? MIGRATE : INCOMING;
    int result = try_command(kind, state, members, count, around, &command, error);
    if (result == 0 && kind == MIGRATE) {
        result = start_outgoing(state, &command, error);
    } else if (result == 0) {
        migration_start_incoming(state, (command.facts & MULTI_CHANNEL) != 0);
    }
    *faults = result == 0 ? faults_of(kind, &state->context.build, command.facts) : 0;
    return result;
}

int qmp_migrate(MigrationState *state, const QmpMember *members, size_t count, const MigrationSurroundings *around,
                MigrationError *error)
{
    uint32_t faults;
    return send_opening(state, MIGRATION_END_SOURCE, members, count, around, &faults, error);
}

int qmp_migrate_incoming(MigrationState *state, const QmpMember *members, size_t count, MigrationError *error)
{
    uint32_t faults;
    return send_opening(state, MIGRATION_END_DESTINATION, members, count, &nothing_around, &faults, error);
}

int transport_of_migrate(const QemuBuild *build, const QmpMember *members, size_t count, bool *writes_only)
{
    const QmpValue request = {.type = QMP_OBJECT, .number = count, .members = members};
    Command command = {.transport = -1};
    MigrationError error;
    if (visit_command(MIGRATE, build, members, count, &error) == 0) {
        command = read_command(MIGRATE, build, &request);
    }
    migration_error_clear(&error);
    int transport = command.uri != NULL ? transport_of_scheme(command.uri) : command.transport;
    *writes_only = transport == MIGRATION_TRANSPORT_FILE || (command.facts & REDIRECTS) != 0;
    return transport >= 0 ? transport : MIGRATION_TRANSPORT_TCP;
}
