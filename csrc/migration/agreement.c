/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What two ends of a migration must agree on, and what happens if they don't. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "migration/transport.h"
#include "qemu/capability.h"
#include "qemu/release.h"
#include "state/state.h"

/* What the table looks at besides the capabilities of both ends: what the caller tells (enum PairFact) and, above it,
 * what follows from that and from the parameters. */
typedef uint64_t Facts;

#define TOLD(name) ((Facts)1 << PAIR_##name)
#define DERIVED(n) ((Facts)1 << (PAIR_FACT__MAX + (n)))

#define TLS_AT_SOURCE DERIVED(0)
#define TLS_AT_DESTINATION DERIVED(1)
#define TO_TCP DERIVED(2)
#define TO_FILE DERIVED(3)
#define SOCKET DERIVED(4)         /* tcp, unix or vsock */
#define RETURNS DERIVED(5)        /* the source opens a return path, and the transport has a way back */
#define WANTS_RETURN DERIVED(6)   /* the source opens a return path */
#define FEWER_CHANNELS DERIVED(7) /* at the source */
#define ONE_MORE_CHANNEL DERIVED(8)
#define MORE_CHANNELS DERIVED(9)       /* by two or more */
#define MANY_MORE_CHANNELS DERIVED(10) /* by six or more */
#define SEVERAL_CHANNELS DERIVED(11)   /* three or more at the source */
#define COMPRESSION_DIFFERS DERIVED(12)
#define NEW_ACKNOWLEDGEMENT DERIVED(13) /* both ends and their machine types are 11.1 or later */
#define EARLY_PREEMPT DERIVED(14)       /* the source connects postcopy-preempt's channel at the start, */
#define LATE_PREEMPT DERIVED(15) /* or when the destination has answered; neither if its machine type is not known */

#define SOURCE_SIDE MIGRATION_END_SOURCE
#define DESTINATION_SIDE MIGRATION_END_DESTINATION

enum {
    AT_SOURCE = 1 << GUEST_SOURCE,
    AT_DESTINATION = 1 << GUEST_DESTINATION,
    NOWHERE = 1 << GUEST_NOWHERE,
    ON_BOTH = 1 << GUEST_BOTH,
    ANYWHERE = AT_SOURCE | AT_DESTINATION | NOWHERE | ON_BOTH
};

/* What an end of some releases says. */
typedef struct Words {
    ReleaseSet releases; /* of the end that says it; 0 ends the list */
    const char *text;    /* with the names of enum MigrationName as "<source machine>" */
} Words;

enum {
    MOST_WORDS = 3
};

typedef struct AgreementRow {
    MigrationAgreement told;
    CapabilitySet source_on, source_off, destination_on, destination_off; /* applies if all of these are on and off, */
    Facts when, unless;                                                   /* all and none of these facts hold, */
    ReleaseSet source, destination;                                       /* and both releases match; 0: all */
    bool unread; /* the destination never begins to read: tcp's buffers may take all that is left of a small guest */
    Words words[MOST_WORDS];
} AgreementRow;

#define ROW(id_, stage_, severity_, end_, outcome_, guest_, guests_)                                                   \
    .told = {.id = id_,                                                                                                \
             .stage = MIGRATION_STAGE_##stage_,                                                                        \
             .severity = MIGRATION_##severity_,                                                                        \
             .end = end_,                                                                                              \
             .outcome = MIGRATION_##outcome_,                                                                          \
             .guest = GUEST_##guest_,                                                                                  \
             .guests = guests_}
#define SAYS(text_) .words = {{ALWAYS, text_}}

#define LOAD_FAILED "load of migration failed: Invalid argument: "
#define IN_CONFIGURATION LOAD_FAILED "post load hook failed for: configuration, version_id: 1, minimum_version: 0: "
#define FROM_THE_STREAM(text_) .words = {{BEFORE(10_2_50), text_}, {FROM(10_2_50), LOAD_FAILED text_}}
#define FROM_CONFIGURATION(text_) .words = {{BEFORE(10_2_50), text_}, {FROM(10_2_50), IN_CONFIGURATION text_}}
#define OTHER_CAPABILITY(name_, local_, received_)                                                                     \
    .words = {{BEFORE(10_2_50), "Capability " name_ " is " local_ ", but received capability is " received_},          \
              {FROM(10_2_50), IN_CONFIGURATION "Failed to validate capabilities"}}
#define EXTRA_CONNECTION "socket_accept_incoming_migration: Extra incoming migration connection; ignoring"
#define CHECK_THE_SETUP                                                                                                \
    "Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices"
#define UNKNOWN_SECTION "section or instance '<section>' 0. " CHECK_THE_SETUP
#define NO_SUCH_SECTION                                                                                                \
    .words = {{BEFORE(10_2_50), "Unknown savevm " UNKNOWN_SECTION}, {FROM(10_2_50), "Unknown " UNKNOWN_SECTION}}
#define NO_SUCH_CPU                                                                                                    \
    .words = {{BEFORE(10_2_50), "Unknown savevm section or instance 'cpu_common' 1. " CHECK_THE_SETUP},                \
              {FROM(10_2_50), "Unknown section or instance 'apic' 1. " CHECK_THE_SETUP}}
#define DEAF_TO_TLS                                                                                                    \
    .told.consequence = "the destination waits for more channels and leaves the TLS handshake unread; the source's "   \
                        "monitor stops answering",                                                                     \
    .told.recovers = 0, .told.remedy = "set tls-creds at both ends or at none. To get out: kill the destination"
#define OF_ONE_KIND                                                                                                    \
    .told.recovers = 1,                                                                                                \
    .told.remedy = "use objects of one kind at both ends: tls-creds-x509, tls-creds-psk or tls-creds-anon"
#define BOTH_MULTIFD .source_on = CAP(MULTIFD), .destination_on = CAP(MULTIFD)
#define IF_IT_FITS                                                                                                     \
    "once the sockets' buffers take all that is left (over tcp some megabytes), the source stops the guest and, "      \
    "without a return path, is completed"
#define CANCEL "To get out: migrate_cancel, or cont at the source if it is completed"
#define ONE_WAY TOLD(ONE_WAY)
#define POSTCOPY TOLD(POSTCOPY)

/* clang-format off */
/* In the order in which a migration runs into them. */
static const AgreementRow rows[] = {
    /* ---- COLO: nothing is safe ---- */
    {ROW("x-colo", RAM, ERROR, DESTINATION_SIDE, FAILS, BOTH, ANYWHERE), .source_on = CAP(X_COLO),
     .told.consequence = "COLO leaves the guest running on both ends, on one, or on none, by release and by race",
     .told.remedy = "switch x-colo off at both ends"},

    /* ---- What a file's reader finds out comes after everything that the writer does ---- */
    {ROW("pause-before-switchover/file", SWITCHOVER, INFO, SOURCE_SIDE, WAITS, NOWHERE, NOWHERE),
     .source_on = CAP(PAUSE_BEFORE_SWITCHOVER), .when = TOLD(READS_LATER), .unless = WANTS_RETURN,
     .told.consequence = "the source waits in pre-switchover, as designed; the guest is stopped",
     .told.remedy = "migrate-continue with state pre-switchover, or migrate_cancel"},
    {ROW("pause-before-switchover/file", SWITCHOVER, WARNING, SOURCE_SIDE, WAITS, NOWHERE, NOWHERE),
     .source_on = CAP(PAUSE_BEFORE_SWITCHOVER), .when = TOLD(READS_LATER) | WANTS_RETURN,
     .told.consequence = "the source waits in pre-switchover, the guest is stopped; after migrate-continue it waits for ever or fails",
     .told.remedy = "migrate_cancel, then switch return-path and postcopy-ram off at the source"},

    /* ---- Connecting: TLS ---- */
    {ROW("tls/exec", CONNECT, ERROR, SOURCE_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), .when = TLS_AT_SOURCE | ONE_WAY,
     .unless = TO_FILE, .told.consequence = "migrate never answers, and the source's monitor is dead",
     .told.remedy = "unset tls-creds, or use a transport with a way back"},
    {ROW("tls/source-object-missing", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_SOURCE | TOLD(SOURCE_CREDS_MISSING), SAYS("No TLS credentials with id '<source tls-creds>'"),
     .told.consequence = "migrate succeeds and fails at once; the destination waits on", .told.recovers = 1,
     .told.remedy = "create the object tls-creds-x509 at the source, or correct tls-creds"},
    {ROW("tls/source-endpoint", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_SOURCE | TOLD(SOURCE_CREDS_OF_SERVER), SAYS("Expected TLS credentials for a client endpoint"),
     .told.consequence = "migrate succeeds and fails at once; the destination waits on", .told.recovers = 1,
     .told.remedy = "use an object with endpoint=client at the source"},
    {ROW("tls/file", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE), .when = TLS_AT_SOURCE | TO_FILE,
     SAYS("TLS handshake failed: Error in the pull function."),
     .told.consequence = "a file has no way back, which TLS needs", .told.recovers = 1, .told.remedy = "unset tls-creds"},
    {ROW("tls/source-only", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), .when = TLS_AT_SOURCE | SOCKET,
     .unless = TLS_AT_DESTINATION, .destination_on = CAP(MULTIFD), .destination = BEFORE(8_0), DEAF_TO_TLS},
    {ROW("tls/source-only", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), .when = TLS_AT_SOURCE | SOCKET,
     .unless = TLS_AT_DESTINATION, .destination_on = CAP(POSTCOPY_PREEMPT), .destination = BEFORE(8_0), DEAF_TO_TLS},
    {ROW("tls/source-only", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .when = TLS_AT_SOURCE | SOCKET,
     .unless = TLS_AT_DESTINATION, .destination_on = CAP(MULTIFD), .destination = BETWEEN(8_0, 10_2_50),
     SAYS("multifd: received packet magic 16030101 expected 11223344"), /* its last digits are the length of the handshake */
     .told.consequence = "the destination takes the TLS handshake for a packet of multifd's, and fails", .told.recovers = 0,
     .told.remedy = "set tls-creds at both ends or at none"},
    {ROW("tls/source-only", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .when = TLS_AT_SOURCE,
     .unless = TLS_AT_DESTINATION,
     .words = {{BEFORE(10_2_50), "Not a migration stream"}, {FROM(10_2_50), "unknown channel magic: 369295617"}},
     .told.consequence = "the destination can't read the TLS handshake, and exits", .told.recovers = 0,
     .told.remedy = "set tls-creds at both ends or at none"},
    {ROW("tls/destination-only", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_DESTINATION, .unless = TLS_AT_SOURCE,
     SAYS("TLS handshake failed: An unexpected TLS packet was received."),
     .told.consequence = "the destination refuses the connection and waits on", .told.recovers = 1,
     .told.remedy = "set tls-creds at both ends or at none"},
    {ROW("tls/destination-object-missing", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_DESTINATION | TOLD(DESTINATION_CREDS_MISSING), SAYS("No TLS credentials with id '<destination tls-creds>'"),
     .told.consequence = "the destination refuses the connection", .told.recovers = 0,
     .told.remedy = "create the object tls-creds-x509 at the destination, or correct tls-creds"},
    {ROW("tls/destination-endpoint", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_DESTINATION | TOLD(DESTINATION_CREDS_OF_CLIENT), SAYS("Expected TLS credentials for a server endpoint"),
     .told.consequence = "the destination refuses the connection", .told.recovers = 0,
     .told.remedy = "use an object with endpoint=server at the destination"},
    {ROW("tls/kind", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_SOURCE | TLS_AT_DESTINATION | TOLD(CREDS_ANONYMOUS),
     SAYS("TLS handshake failed: No supported cipher suites have been found."),
     .told.consequence = "the source has anonymous credentials, which the destination refuses", OF_ONE_KIND},
    {ROW("tls/kind", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_SOURCE | TLS_AT_DESTINATION | TOLD(CREDS_KEY_FOR_X509),
     SAYS("TLS handshake failed: Insufficient credentials for that request."),
     .told.consequence = "the source has a key, and the destination a certificate", OF_ONE_KIND},
    {ROW("tls/kind", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_SOURCE | TLS_AT_DESTINATION | TOLD(CREDS_DIFFER),
     SAYS("TLS handshake failed: Insufficient credentials for that request."),
     .told.consequence = "the destination lacks credentials of the source's kind", OF_ONE_KIND},
    {ROW("tls/no-hostname", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_SOURCE | TOLD(HOSTNAME_MISSING), SAYS("No hostname for certificate validation"),
     .told.consequence = "the source knows no name to check the destination's certificate against", .told.recovers = 0,
     .told.remedy = "set tls-hostname at the source to the name in the destination's certificate"},
    {ROW("tls/hostname", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_SOURCE | TOLD(HOSTNAME_DIFFERS), SAYS("Certificate does not match the hostname <hostname>"),
     .told.consequence = "the source refuses the destination's certificate", .told.recovers = 0,
     .told.remedy = "set tls-hostname at the source to the name in the destination's certificate"},
    {ROW("tls/authz-missing", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TLS_AT_DESTINATION | TOLD(AUTHZ_MISSING), SAYS("Cannot find QAuthZ object ID <destination tls-authz>"),
     .told.consequence = "the destination refuses every client", .told.recovers = 0,
     .told.remedy = "create the authz object at the destination, or unset tls-authz"},

    /* ---- Connecting: transports without a way back, with one channel, without zero copy ---- */
    {ROW("single-channel", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE), .source = BEFORE(8_0),
     .source_on = CAP(MULTIFD), .unless = SOCKET, SAYS("multifd is not supported by current protocol"),
     .told.consequence = "migrate succeeds and fails at once; the words are on the source's standard error", .told.recovers = 1,
     .told.remedy = "switch multifd off at both ends, or use tcp or unix"},
    {ROW("single-channel/preempt", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE), .source = BEFORE(8_0),
     .source_on = CAP(POSTCOPY_PREEMPT), .unless = SOCKET,
     SAYS("Postcopy preempt is not supported as current migration stream does not support multi-channels."),
     .told.consequence = "migrate succeeds and fails at once; the words are on the source's standard error", .told.recovers = 1,
     .told.remedy = "switch postcopy-preempt off at both ends, or use tcp or unix"},
    {ROW("one-way/switchover-ack", SWITCHOVER, ERROR, SOURCE_SIDE, HANGS, SOURCE, AT_SOURCE), .when = ONE_WAY, .unless = TOLD(SOURCE_PAUSED),
     .source_on = CAP(SWITCHOVER_ACK), .told.consequence = "the source waits for ever for an acknowledgement; migrate_cancel works",
     .told.recovers = 1, .told.remedy = "switch switchover-ack and return-path off at the source"},
    {ROW("one-way/postcopy-file", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE | ON_BOTH),
     .when = TO_FILE | WANTS_RETURN | POSTCOPY, .source = BETWEEN(8_2, 9_0), SAYS("Unable to read from file: Bad file descriptor"),
     .told.consequence = "a file has no way back, and migrate-start-postcopy may abort the source",
     .told.remedy = "switch postcopy-ram off; never send migrate-start-postcopy over a one-way transport"},
    {ROW("one-way/file", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE | ON_BOTH), .when = TO_FILE | WANTS_RETURN,
     SAYS("Unable to read from file: Bad file descriptor"), .told.recovers = 1,
     .told.consequence = "a file has no way back: the source fails, and its guest runs on. The file is whole all the same: "
                         "if a destination reads it, the guest runs twice",
     .told.remedy = "switch return-path and postcopy-ram off at the source"},
    {ROW("one-way/exec", SWITCHOVER, ERROR, SOURCE_SIDE, HANGS, NOWHERE, NOWHERE | AT_DESTINATION), .when = ONE_WAY | WANTS_RETURN,
     .told.consequence = "the source stops the guest and waits for ever; migrate_cancel ends in cancelling, and cont is refused. A "
                         "destination that reads what was written may run the guest",
     .told.recovers = 1,
     .told.remedy = "switch return-path and postcopy-ram off at the source. To get out: end the exec'd command; the guest then runs "
                    "again, so a destination that has read the stream must be ended first"},
    {ROW("zero-copy-send/transport", CONNECT, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE),
     .source_on = CAP(ZERO_COPY_SEND) | CAP(MULTIFD), .when = SOCKET, .unless = TO_TCP,
     SAYS("Zero copy send feature not detected in host kernel"), .told.consequence = "zero copy works over tcp only", .told.recovers = 0,
     .told.remedy = "switch zero-copy-send off, or use tcp"},

    /* ---- Connecting: channels ---- */
    {ROW("multifd/source-only", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE), .when = SOCKET,
     .source_on = CAP(MULTIFD), .destination_off = CAP(MULTIFD), .source = BEFORE(9_0), .destination = BEFORE(9_0),
     SAYS(EXTRA_CONNECTION), .told.consequence = "the destination ignores the channels and fails; the source may die, or its monitor",
     .told.recovers = -1, .told.remedy = "switch multifd on at both ends or at none"},
    {ROW("multifd/source-only", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE), .when = SOCKET | SEVERAL_CHANNELS,
     .source_on = CAP(MULTIFD), .destination_off = CAP(MULTIFD), .destination = FROM(10_2_50), SAYS(EXTRA_CONNECTION),
     .told.consequence = "the destination's monitor stops answering; the source waits, and migrate_cancel works there", .told.recovers = 0,
     .told.remedy = "switch multifd on at both ends or at none. To get out: kill the destination"},
    {ROW("multifd/source-only", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .when = SOCKET,
     .source_on = CAP(MULTIFD), .destination_off = CAP(MULTIFD), SAYS(EXTRA_CONNECTION),
     .told.consequence = "the destination ignores the channels and fails", .told.recovers = 0,
     .told.remedy = "switch multifd on at both ends or at none"},
    {ROW("multifd/destination-only", CONNECT, ERROR, DESTINATION_SIDE, HANGS, NOWHERE, NOWHERE | AT_SOURCE),
     .when = TO_TCP | POSTCOPY, .source_on = CAP(POSTCOPY_RAM), .source_off = CAP(MULTIFD), .destination_on = CAP(MULTIFD),
     .told.consequence = "the destination waits for channels that never come, and postcopy starts without it", .told.recovers = 0,
     .told.remedy = "switch multifd on at both ends or at none; never send migrate-start-postcopy before the destination is active"},
    {ROW("multifd/destination-only", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), .when = SOCKET, .unread = true,
     .source_off = CAP(MULTIFD), .destination_on = CAP(MULTIFD),
     .told.consequence = "the destination waits for ever for channels that never come; the source stays active; " IF_IT_FITS,
     .told.recovers = 1, .told.remedy = "switch multifd on at both ends or at none. " CANCEL},
    {ROW("multifd/destination-only", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .unless = SOCKET | TO_FILE,
     .source_off = CAP(MULTIFD), .destination_on = CAP(MULTIFD), .destination = BEFORE(8_0),
     SAYS("multifd is not supported by current protocol"), .told.consequence = "the destination fails, or waits for ever",
     .told.recovers = 0, .told.remedy = "switch multifd off at the destination"},
    {ROW("postcopy-preempt/early", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), .unread = true,
     .when = SOCKET | EARLY_PREEMPT, .source_on = CAP(MULTIFD) | CAP(POSTCOPY_PREEMPT), .destination_on = CAP(MULTIFD),
     .told.consequence = "the destination nearly always takes the silent channel of postcopy-preempt for one of multifd's, and its "
                         "monitor stops answering; the source stays active; " IF_IT_FITS,
     .told.recovers = 1,
     .told.remedy = "switch postcopy-preempt off at the source, or multifd at both ends; a source from 8.0 on with a machine type from "
                    "8.0 on connects that channel later. To get out: migrate_cancel, and kill the destination"},
    {ROW("multifd-channels/fewer", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), BOTH_MULTIFD, .unread = true,
     .when = SOCKET | FEWER_CHANNELS,
     .told.consequence = "the destination waits for ever for the missing channels; after migrate_cancel the source stays cancelling; " IF_IT_FITS,
     .told.recovers = 1,
     .told.remedy = "set the same multifd-channels at both ends. To get out: migrate_cancel, then yank the source's migration; cont at "
                    "the source if it is completed"},
    {ROW("multifd-channels/one-more", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), BOTH_MULTIFD,
     .when = SOCKET | ONE_MORE_CHANNEL, SAYS(EXTRA_CONNECTION), .told.consequence = "the destination fails", .told.recovers = 0,
     .told.remedy = "set the same multifd-channels at both ends"},
    {ROW("multifd-channels/more", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE), BOTH_MULTIFD,
     .when = SOCKET | MORE_CHANNELS, .source = BEFORE(8_0), .destination = BEFORE(8_0), SAYS(EXTRA_CONNECTION),
     .told.consequence = "the destination fails; the source may die", .told.recovers = 0,
     .told.remedy = "set the same multifd-channels at both ends"},
    {ROW("multifd-channels/more", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), BOTH_MULTIFD,
     .when = SOCKET | MORE_CHANNELS, .destination = BEFORE(8_0), SAYS(EXTRA_CONNECTION), .told.consequence = "the destination fails",
     .told.recovers = 0, .told.remedy = "set the same multifd-channels at both ends"},
    {ROW("multifd-channels/more", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), BOTH_MULTIFD,
     .when = TO_TCP | MORE_CHANNELS, .unless = MANY_MORE_CHANNELS, SAYS(EXTRA_CONNECTION),
     .told.consequence = "the destination fails, or its monitor stops answering", .told.recovers = 0,
     .told.remedy = "set the same multifd-channels at both ends"},
    {ROW("multifd-channels/more", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE), BOTH_MULTIFD,
     .when = SOCKET | MORE_CHANNELS, .told.consequence = "the destination's monitor stops answering; migrate_cancel frees the source",
     .told.recovers = 0, .told.remedy = "set the same multifd-channels at both ends. To get out: kill the destination"},
    {ROW("multifd/uuid", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE), BOTH_MULTIFD,
     .when = SOCKET | TOLD(UUID_DIFFERS) | RETURNS, .source = BETWEEN(8_2, 9_0),
     SAYS("multifd: received uuid '<source uuid>' and expected uuid '<destination uuid>' for channel 0"),
     .told.consequence = "the destination refuses the channels; the source's monitor may stop answering", .told.recovers = -1,
     .told.remedy = "start both ends with the same -uuid"},
    {ROW("multifd/uuid", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), BOTH_MULTIFD,
     .when = SOCKET | TOLD(UUID_DIFFERS),
     SAYS("multifd: received uuid '<source uuid>' and expected uuid '<destination uuid>' for channel 0"),
     .told.consequence = "the destination refuses the channels", .told.recovers = 0, .told.remedy = "start both ends with the same -uuid"},
    {ROW("multifd-compression", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE), BOTH_MULTIFD,
     .when = SOCKET | COMPRESSION_DIFFERS | RETURNS, .source = BETWEEN(8_2, 9_0),
     .told.consequence = "the destination can't read the pages; the source's monitor stops answering", .told.recovers = -1,
     .told.remedy = "set the same multifd-compression at both ends"},
    {ROW("multifd-compression", CONNECT, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), BOTH_MULTIFD,
     .when = SOCKET | COMPRESSION_DIFFERS,
     .words = {{BEFORE(9_0), "Unknown combination of migration flags: 0x0"},
               {FROM(9_0), "multifd 0: flags received <source flags> flags expected <destination flags>"}},
     .told.consequence = "the destination can't read the pages", .told.recovers = 0,
     .told.remedy = "set the same multifd-compression at both ends"},
    {ROW("postcopy-preempt/destination-7.2", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE),
     .when = SOCKET | POSTCOPY, .source_off = CAP(POSTCOPY_PREEMPT) | CAP(MULTIFD), .destination_on = CAP(POSTCOPY_PREEMPT),
     .source = BEFORE(8_0), .destination = BEFORE(8_0),
     .told.consequence = "the destination waits for a second channel, and the source's monitor stops answering", .told.recovers = 0,
     .told.remedy = "switch postcopy-preempt on at both ends or at none"},
    {ROW("postcopy-preempt/destination-7.2", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), .when = SOCKET,
     .unread = true, .source_off = CAP(POSTCOPY_PREEMPT) | CAP(MULTIFD), .destination_on = CAP(POSTCOPY_PREEMPT),
     .destination = BEFORE(8_0), .told.consequence = "the destination waits for ever for a second channel; " IF_IT_FITS,
     .told.recovers = 1, .told.remedy = "switch postcopy-preempt on at both ends or at none. " CANCEL},
    {ROW("postcopy-preempt/late", CONNECT, ERROR, DESTINATION_SIDE, HANGS, SOURCE, AT_SOURCE | NOWHERE), .when = SOCKET | LATE_PREEMPT,
     .unread = true, .source_on = CAP(POSTCOPY_PREEMPT), .destination_on = CAP(POSTCOPY_PREEMPT), .destination = BEFORE(8_0),
     .told.consequence = "the destination waits for ever for a second channel, which the source opens when it has answered; " IF_IT_FITS,
     .told.recovers = 1,
     .told.remedy = "switch postcopy-preempt off at both ends, or start both with a machine type up to 7.2. " CANCEL},

    /* ---- The stream's header ---- */
    {ROW("validate-uuid", HEADER, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_on = CAP(VALIDATE_UUID),
     .when = TOLD(SET_UUID_DIFFERS), SAYS("UUID received is <source uuid> and local is <destination uuid>"),
     .told.consequence = "the destination refuses the stream and exits", .told.recovers = 0,
     .told.remedy = "start both ends with the same -uuid, or switch validate-uuid off at the source"},
    {ROW("machine", HEADER, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .when = TOLD(MACHINE_DIFFERS),
     FROM_CONFIGURATION("Machine type received is '<source machine>' and local is '<destination machine>'"),
     .told.consequence = "the destination refuses the stream and exits", .told.recovers = 0,
     .told.remedy = "start the destination with the source's versioned machine type; an alias such as q35 is another type in another release"},
    {ROW("x-ignore-shared/source-only", HEADER, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .source_on = CAP(X_IGNORE_SHARED), .destination_off = CAP(X_IGNORE_SHARED), OTHER_CAPABILITY("x-ignore-shared", "off", "on"),
     .told.consequence = "the destination refuses the stream and exits", .told.recovers = 0,
     .told.remedy = "switch x-ignore-shared on at both ends or at none"},
    {ROW("x-ignore-shared/destination-only", HEADER, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .source_off = CAP(X_IGNORE_SHARED), .destination_on = CAP(X_IGNORE_SHARED), OTHER_CAPABILITY("x-ignore-shared", "on", "off"),
     .told.consequence = "the destination refuses the stream and exits", .told.recovers = 0,
     .told.remedy = "switch x-ignore-shared on at both ends or at none"},
    {ROW("mapped-ram/destination-lacks-it", HEADER, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .source_on = CAP(MAPPED_RAM), .destination = BEFORE(9_0), SAYS("Received unknown capability mapped-ram"),
     .told.consequence = "the destination can't read the file", .told.recovers = 0,
     .told.remedy = "switch mapped-ram off at the source"},
    {ROW("mapped-ram/source-only", HEADER, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_on = CAP(MAPPED_RAM),
     .destination_off = CAP(MAPPED_RAM), OTHER_CAPABILITY("mapped-ram", "off", "on"),
     .told.consequence = "the destination refuses the file", .told.recovers = 0,
     .told.remedy = "switch mapped-ram on at both ends or at none"},
    {ROW("mapped-ram/destination-only", HEADER, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_off = CAP(MAPPED_RAM),
     .destination_on = CAP(MAPPED_RAM), OTHER_CAPABILITY("mapped-ram", "on", "off"),
     .told.consequence = "the destination refuses the file", .told.recovers = 0,
     .told.remedy = "switch mapped-ram on at both ends or at none"},

    /* ---- Postcopy's advice ---- */
    {ROW("postcopy-ram/source-only", ADVISE, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_on = CAP(POSTCOPY_RAM),
     .destination_off = CAP(POSTCOPY_RAM), FROM_THE_STREAM("RAM postcopy is disabled but have 16 byte advise"),
     .told.consequence = "the destination refuses the stream and exits, even if postcopy is never started", .told.recovers = 0,
     .told.remedy = "switch postcopy-ram on at the destination, or off at the source"},
    {ROW("dirty-bitmaps/postcopy-ram", ADVISE, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_on = CAP(DIRTY_BITMAPS),
     .source_off = CAP(POSTCOPY_RAM), .destination_on = CAP(POSTCOPY_RAM),
     FROM_THE_STREAM("RAM postcopy is enabled but have 0 byte advise"),
     .told.consequence = "the destination refuses the stream and exits", .told.recovers = 0,
     .told.remedy = "switch postcopy-ram on at the source, or off at the destination"},
    {ROW("postcopy-ram/page-size", ADVISE, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .source_on = CAP(POSTCOPY_RAM), .destination_on = CAP(POSTCOPY_RAM), .when = TOLD(BLOCK_PAGE_SIZE_DIFFERS),
     SAYS("Postcopy needs matching RAM page sizes (s=<source page sizes> d=<destination page sizes>)"),
     .told.consequence = "the destination refuses the stream and exits", .told.recovers = 0,
     .told.remedy = "use memory of the same page size at both ends"},

    /* ---- RAM ---- */
    {ROW("ram/block-missing", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .when = TOLD(BLOCK_MISSING),
     SAYS("Unknown ramblock \"<block>\", cannot accept migration"), .told.consequence = "the destination refuses the stream and exits",
     .told.recovers = 0, .told.remedy = "give the memory backends and the devices the same ids at both ends"},
    {ROW("ram/size", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .when = TOLD(BLOCK_SIZE_DIFFERS),
     SAYS("Size mismatch: <block>: <source size> != <destination size>: Invalid argument"),
     .told.consequence = "the destination refuses the stream and exits", .told.recovers = 0,
     .told.remedy = "give the guest the same memory at both ends"},
    {ROW("x-ignore-shared/source-private", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE),
     .source_on = CAP(X_IGNORE_SHARED), .destination_on = CAP(X_IGNORE_SHARED), .when = TOLD(SHARED_AT_DESTINATION_ONLY),
     SAYS("block <block> should not be migrated !"), .told.consequence = "the destination refuses the memory", .told.recovers = 0,
     .told.remedy = "share the memory at both ends or at none"},
    {ROW("x-ignore-shared/source-private", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE), .source = FROM(8_1),
     .destination = BEFORE(8_1), .source_on = CAP(X_IGNORE_SHARED), .destination_on = CAP(X_IGNORE_SHARED),
     .when = TOLD(SHARED_WITHOUT_FILE), SAYS("block <block> should not be migrated !"),
     .told.consequence = "the source sends shared memory without a file since 8.1, and the destination, which is older, refuses it",
     .told.recovers = 0, .told.remedy = "use a file that both ends share, or switch x-ignore-shared off"},
    {ROW("x-ignore-shared/destination-private", RAM, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, ANYWHERE),
     .source_on = CAP(X_IGNORE_SHARED), .destination_on = CAP(X_IGNORE_SHARED), .when = TOLD(SHARED_AT_SOURCE_ONLY),
     .told.consequence = "the memory is not sent; the guest gets zeroes, and fails at once or later", .told.recovers = -1,
     .told.remedy = "use the same shared file at both ends"},
    {ROW("x-ignore-shared/memfd", RAM, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, ANYWHERE), .source = BEFORE(8_1),
     .source_on = CAP(X_IGNORE_SHARED), .destination_on = CAP(X_IGNORE_SHARED), .when = TOLD(SHARED_WITHOUT_FILE),
     .told.consequence = "the memory is not sent, and the destination has none of it", .told.recovers = -1,
     .told.remedy = "use a file that both ends share, or switch x-ignore-shared off"},
    {ROW("mapped-ram/x-ignore-shared", RAM, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE),
     .source_on = CAP(MAPPED_RAM) | CAP(X_IGNORE_SHARED), .destination_on = CAP(MAPPED_RAM), .destination = BEFORE(10_2_50),
     SAYS("Error reading ramblock pc.ram pages, region has bad alignment"),
     .told.consequence = "the file is written and can't be read", .told.recovers = 1,
     .told.remedy = "switch x-ignore-shared off at both ends"},
    {ROW("multifd/sync", RAM, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE | NOWHERE), BOTH_MULTIFD, .when = SOCKET,
     .source = BEFORE(9_0), .destination = ONLY(9_2), SAYS("Unable to write to socket: Broken pipe"),
     .told.consequence = "the destination skips the pages that an older source sends along with its sync packets, and the stream breaks",
     .told.recovers = 0,
     .told.remedy = "update the destination to 9.2.1 (QEMU issue 2720), or switch multifd off at both ends"},
    {ROW("compress/destination-lacks-it", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_on = CAP(COMPRESS),
     .destination = FROM(9_1), SAYS("Unknown combination of migration flags: 0x120"),
     .told.consequence = "the destination can't read the pages", .told.recovers = 0, .told.remedy = "switch compress off at the source"},
    {ROW("compress/source-only", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE | AT_DESTINATION), .source_on = CAP(COMPRESS),
     .destination_off = CAP(COMPRESS), SAYS("Received an unexpected compressed page"),
     .told.consequence = "the destination fails at the first compressed page", .told.recovers = 0,
     .told.remedy = "switch compress on at the destination, or off at the source"},
    {ROW("block/destination-lacks-it", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_on = CAP(BLOCK),
     .destination = FROM(9_1), SAYS("Unknown savevm section or instance 'block' 0. Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices"),
     .told.consequence = "the destination can't read block migration", .told.recovers = 0, .told.remedy = "switch block off at the source; copy disks with blockdev-mirror"},
    {ROW("dirty-bitmaps/exists", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .source_on = CAP(DIRTY_BITMAPS) | CAP(PAUSE_BEFORE_SWITCHOVER), .when = TOLD(BITMAP_EXISTS),
     SAYS("Bitmap with the same name ('<bitmap>') already exists on destination"),
     .told.consequence = "the destination refuses the bitmap before the pause", .told.recovers = 0,
     .told.remedy = "remove the bitmap at the destination"},
    {ROW("dirty-bitmaps/exists", RAM, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source_on = CAP(DIRTY_BITMAPS),
     .when = TOLD(BITMAP_EXISTS) | RETURNS, SAYS("Bitmap with the same name ('<bitmap>') already exists on destination"),
     .told.consequence = "the destination refuses the bitmap; the return path brings the guest back", .told.recovers = 0,
     .told.remedy = "remove the bitmap at the destination"},
    {ROW("dirty-bitmaps/exists", RAM, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE), .source_on = CAP(DIRTY_BITMAPS),
     .when = TOLD(BITMAP_EXISTS), SAYS("Bitmap with the same name ('<bitmap>') already exists on destination"),
     .told.consequence = "the destination refuses the bitmap; the source may be completed already, and cont there revives the guest",
     .told.recovers = 1, .told.remedy = "remove the bitmap at the destination, and switch return-path on at the source"},

    /* ---- Before the switchover ---- */
    {ROW("pause-before-switchover", SWITCHOVER, INFO, SOURCE_SIDE, WAITS, NOWHERE, NOWHERE),
     .source_on = CAP(PAUSE_BEFORE_SWITCHOVER),
     .told.consequence = "the source waits in pre-switchover, as designed; the guest is stopped", .told.recovers = 1,
     .told.remedy = "migrate-continue with state pre-switchover, or migrate_cancel"},
    {ROW("switchover-ack/source-only", SWITCHOVER, ERROR, SOURCE_SIDE, HANGS, SOURCE, AT_SOURCE), .source_on = CAP(SWITCHOVER_ACK),
     .destination_off = CAP(SWITCHOVER_ACK), .unless = NEW_ACKNOWLEDGEMENT | TOLD(SOURCE_PAUSED),
     .told.consequence = "the source stays active for ever and waits for an acknowledgement; migrate_cancel works", .told.recovers = 1,
     .told.remedy = "switch switchover-ack on at both ends or off at the source. To get out: migrate_cancel"},
    {ROW("switchover-ack/source-lacks-it", SWITCHOVER, ERROR, SOURCE_SIDE, FAILS, SOURCE, AT_SOURCE), .source = BEFORE(8_1),
     .destination_on = CAP(SWITCHOVER_ACK), .when = RETURNS, SAYS("RP: Received invalid message 0x0007 length 0x0000"),
     .told.consequence = "the source gets a message that it does not know", .told.recovers = 0,
     .told.remedy = "switch switchover-ack off at the destination"},

    /* ---- Devices ---- */
    {ROW("device-missing", DEVICES, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE),
     .when = TOLD(DEVICE_MISSING) | POSTCOPY, .source_on = CAP(POSTCOPY_RAM), .source = BEFORE(10_2_50), NO_SUCH_SECTION,
     .told.consequence = "postcopy has begun: the guest is lost", .told.recovers = 0,
     .told.remedy = "give the destination the same devices in the same slots"},
    {ROW("device-missing", DEVICES, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE),
     .when = TOLD(DEVICE_MISSING) | POSTCOPY, .source_on = CAP(POSTCOPY_RAM), .destination = BEFORE(10_2_50), NO_SUCH_SECTION,
     .told.consequence = "postcopy has begun: the guest is lost", .told.recovers = 0,
     .told.remedy = "give the destination the same devices in the same slots"},
    {ROW("device-missing", DEVICES, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .when = TOLD(DEVICE_MISSING) | RETURNS,
     NO_SUCH_SECTION, .told.consequence = "the destination can't load the device; the return path brings the guest back", .told.recovers = 0,
     .told.remedy = "give the destination the same devices in the same slots"},
    {ROW("device-missing", DEVICES, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE), .when = TOLD(DEVICE_MISSING),
     NO_SUCH_SECTION, .told.consequence = "the destination can't load the device; the source may be completed already, and cont there revives the guest",
     .told.recovers = 1, .told.remedy = "give the destination the same devices in the same slots, and switch return-path on at the source"},
    {ROW("cpus/more-at-source", DEVICES, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE),
     .when = TOLD(CPUS_MORE_AT_SOURCE) | POSTCOPY, .source_on = CAP(POSTCOPY_RAM), .source = BEFORE(10_2_50), NO_SUCH_CPU,
     .told.consequence = "postcopy has begun: the guest is lost", .told.recovers = 0, .told.remedy = "give both ends the same -smp"},
    {ROW("cpus/more-at-source", DEVICES, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE),
     .when = TOLD(CPUS_MORE_AT_SOURCE) | POSTCOPY, .source_on = CAP(POSTCOPY_RAM), .destination = BEFORE(10_2_50), NO_SUCH_CPU,
     .told.consequence = "postcopy has begun: the guest is lost", .told.recovers = 0, .told.remedy = "give both ends the same -smp"},
    {ROW("cpus/more-at-source", DEVICES, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE),
     .when = TOLD(CPUS_MORE_AT_SOURCE) | RETURNS, NO_SUCH_CPU,
     .told.consequence = "the destination can't load the CPU; the return path brings the guest back", .told.recovers = 0,
     .told.remedy = "give both ends the same -smp"},
    {ROW("cpus/more-at-source", DEVICES, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE),
     .when = TOLD(CPUS_MORE_AT_SOURCE), NO_SUCH_CPU,
     .told.consequence = "the destination can't load the CPU; the source may be completed already, and cont there revives the guest",
     .told.recovers = 1, .told.remedy = "give both ends the same -smp, and switch return-path on at the source"},
    {ROW("cpus/more-at-destination", DEVICES, ERROR, DESTINATION_SIDE, FAILS, SOURCE, AT_SOURCE), .source = FROM(10_2_50),
     .when = TOLD(CPUS_MORE_AT_DESTINATION) | RETURNS, SAYS("Missing section footer for <section>"),
     .told.consequence = "the destination can't load the devices; the return path brings the guest back", .told.recovers = 0,
     .told.remedy = "give both ends the same -smp"},
    {ROW("cpus/more-at-destination", DEVICES, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE | AT_SOURCE), .source = FROM(10_2_50),
     .when = TOLD(CPUS_MORE_AT_DESTINATION), SAYS("Missing section footer for <section>"),
     .told.consequence = "the destination can't load the devices; the source may be completed already, and cont there revives the guest",
     .told.recovers = 1, .told.remedy = "give both ends the same -smp, and switch return-path on at the source"},
    {ROW("cpus/more-at-destination", DEVICES, ERROR, DESTINATION_SIDE, COMPLETES, DESTINATION, AT_DESTINATION), .source = BEFORE(10_2_50),
     .when = TOLD(CPUS_MORE_AT_DESTINATION), .told.consequence = "nothing checks it: the guest goes on with CPUs that it did not have",
     .told.remedy = "give both ends the same -smp"},
    {ROW("cpu-model", DEVICES, ERROR, DESTINATION_SIDE, COMPLETES, DESTINATION, AT_DESTINATION), .when = TOLD(CPU_MODEL_DIFFERS),
     .told.consequence = "nothing checks it: the guest goes on with another CPU", .told.remedy = "give both ends the same -cpu"},
    {ROW("dirty-bitmaps/lost", DEVICES, ERROR, DESTINATION_SIDE, COMPLETES, DESTINATION, AT_DESTINATION), .source_on = CAP(DIRTY_BITMAPS),
     .when = TOLD(BITMAP_LOST), SAYS("Cannot find device='<node>' nor node-name='<node>'"),
     .told.consequence = "the migration completes, and the bitmap is silently lost",
     .told.remedy = "give the destination a node of this name, or set block-bitmap-mapping at both ends"},

    /* ---- Postcopy ---- */
    {ROW("postcopy/multifd", POSTCOPY, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE), BOTH_MULTIFD, .when = POSTCOPY,
     .destination = BEFORE(8_1), .source = BEFORE(8_1), .told.consequence = "the destination aborts at the end of postcopy; the guest is lost",
     .told.recovers = 0, .told.remedy = "switch multifd off at both ends"},
    {ROW("postcopy/run", POSTCOPY, WARNING, DESTINATION_SIDE, COMPLETES, DESTINATION, AT_DESTINATION | AT_SOURCE),
     .source_on = CAP(POSTCOPY_RAM), .destination_on = CAP(POSTCOPY_RAM), .when = POSTCOPY, .source = FROM(11_1),
     .destination = BEFORE(8_0), SAYS("CMD_POSTCOPY_RUN in wrong postcopy state (2)"),
     .told.consequence = "a race: the destination may refuse postcopy and exit (6 of 24 times); the guest then runs on at the source",
     .told.remedy = "do not start postcopy, or use a destination from 8.2 on; if it fails, try again with a new destination"},
    {ROW("postcopy/shared-file", POSTCOPY, ERROR, DESTINATION_SIDE, FAILS, NOWHERE, NOWHERE), .source_on = CAP(POSTCOPY_RAM),
     .destination_on = CAP(POSTCOPY_RAM), .when = POSTCOPY | TOLD(SHARED_DISK_FILE), .destination = BEFORE(8_0_50),
     SAYS("ram_block_enable_notify userfault register: Invalid argument"), .told.consequence = "postcopy has begun: the guest is lost",
     .told.recovers = 0, .told.remedy = "keep the memory on tmpfs or hugetlbfs, or do not start postcopy"},
    {ROW("postcopy-preempt/destination-only", POSTCOPY, ERROR, DESTINATION_SIDE, HANGS, DESTINATION, AT_DESTINATION | NOWHERE),
     .when = POSTCOPY, .source_on = CAP(POSTCOPY_RAM), .source_off = CAP(POSTCOPY_PREEMPT), .destination_on = CAP(POSTCOPY_PREEMPT),
     .source = BETWEEN(8_0, 9_0), .destination = BETWEEN(8_0, 9_0),
     .told.consequence = "both ends stay postcopy-active for ever, and migrate_cancel aborts the source", .told.recovers = 0,
     .told.remedy = "switch postcopy-preempt on at both ends or at none"},
    {ROW("postcopy-preempt/destination-only", POSTCOPY, ERROR, DESTINATION_SIDE, HANGS, NOWHERE, NOWHERE),
     .when = POSTCOPY, .source_on = CAP(POSTCOPY_RAM), .source_off = CAP(POSTCOPY_PREEMPT), .destination_on = CAP(POSTCOPY_PREEMPT),
     .told.consequence = "the guest is stopped at both ends for ever: there is no way out", .told.recovers = 0,
     .told.remedy = "switch postcopy-preempt on at both ends or at none"},
    {ROW("postcopy-preempt/source-only", POSTCOPY, ERROR, DESTINATION_SIDE, COMPLETES, DESTINATION, AT_DESTINATION | NOWHERE),
     .when = POSTCOPY, .source_on = CAP(POSTCOPY_PREEMPT), .destination_off = CAP(POSTCOPY_PREEMPT), SAYS(EXTRA_CONNECTION),
     .told.consequence = "urgent pages go to a channel that nobody reads: it completes by luck, or the guest is lost",
     .told.remedy = "switch postcopy-preempt on at both ends or at none"},

    /* ---- Afterwards ---- */
    {ROW("background-snapshot", SWITCHOVER, ERROR, SOURCE_SIDE, COMPLETES, BOTH, ON_BOTH), .source_on = CAP(BACKGROUND_SNAPSHOT),
     .told.consequence = "the source is never stopped: the guest runs on both ends",
     .told.remedy = "switch background-snapshot off; use it to write a file that is loaded later"},
};
/* clang-format on */

_Static_assert(sizeof(rows) / sizeof(rows[0]) <= MIGRATION_MOST_ROWS, "a prediction has room for every row");

/* ---- Which end needs what ---- */

enum {
    FOR_SOURCE = 1 << MIGRATION_END_SOURCE,
    FOR_DESTINATION = 1 << MIGRATION_END_DESTINATION,
    FOR_BOTH = FOR_SOURCE | FOR_DESTINATION
};

static const CapabilitySet needed_by_source =
    CAP(XBZRLE) | CAP(AUTO_CONVERGE) | CAP(ZERO_BLOCKS) | CAP(RELEASE_RAM) | CAP(BLOCK) | CAP(PAUSE_BEFORE_SWITCHOVER) |
    CAP(DIRTY_BITMAPS) | CAP(VALIDATE_UUID) | CAP(BACKGROUND_SNAPSHOT) | CAP(ZERO_COPY_SEND) | CAP(DIRTY_LIMIT);

static const CapabilitySet needed_by_destination = CAP(POSTCOPY_BLOCKTIME) | CAP(LATE_BLOCK_ACTIVATE);

int migration_capability_ends(int capability)
{
    if (migration_capability_name(capability) == NULL) {
        return 0;
    }
    CapabilitySet one = (CapabilitySet)1 << capability;
    return has_any(needed_by_source, one)        ? FOR_SOURCE
           : has_any(needed_by_destination, one) ? FOR_DESTINATION
                                                 : FOR_BOTH;
}

int migration_parameter_ends(int parameter)
{
    switch (parameter) {
    case MIGRATION_PARAMETER_MULTIFD_CHANNELS:
    case MIGRATION_PARAMETER_MULTIFD_COMPRESSION:
    case MIGRATION_PARAMETER_TLS_CREDS:
    case MIGRATION_PARAMETER_BLOCK_BITMAP_MAPPING:
    case MIGRATION_PARAMETER_DIRECT_IO:
    case MIGRATION_PARAMETER_X_RDMA_CHUNK_SIZE:
        return FOR_BOTH;
    case MIGRATION_PARAMETER_ANNOUNCE_INITIAL:
    case MIGRATION_PARAMETER_ANNOUNCE_MAX:
    case MIGRATION_PARAMETER_ANNOUNCE_ROUNDS:
    case MIGRATION_PARAMETER_ANNOUNCE_STEP:
    case MIGRATION_PARAMETER_DECOMPRESS_THREADS:
    case MIGRATION_PARAMETER_TLS_AUTHZ:
        return FOR_DESTINATION;
    default:
        return migration_parameter_name(parameter) != NULL ? FOR_SOURCE : 0;
    }
}

/* ---- Which rows apply ---- */

static Facts if_true(bool is, Facts fact)
{
    return is ? fact : 0;
}

static uint64_t parameter_of(const MigrationState *state, int parameter)
{
    return state->parameters.number[parameter];
}

static Facts channel_facts(const MigrationState *source, const MigrationState *destination)
{
    int64_t ours = (int64_t)parameter_of(source, MIGRATION_PARAMETER_MULTIFD_CHANNELS);
    int64_t more = ours - (int64_t)parameter_of(destination, MIGRATION_PARAMETER_MULTIFD_CHANNELS);
    return if_true(more < 0, FEWER_CHANNELS) | if_true(more == 1, ONE_MORE_CHANNEL) | if_true(more > 1, MORE_CHANNELS) |
           if_true(more > 5, MANY_MORE_CHANNELS) | if_true(ours > 2, SEVERAL_CHANNELS);
}

static bool is_11_1(const QemuBuild *build)
{
    return release_within(build->release, FROM(11_1)) &&
           (build->machine_version == 0 || build->machine_version >= 1101);
}

/* hw_compat_7_2 has x-preempt-pre-7-2. */
static Facts preempt_fact(const QemuBuild *build)
{
    if (release_within(build->release, BEFORE(8_0))) {
        return EARLY_PREEMPT;
    }
    return build->machine_version == 0 ? 0 : build->machine_version <= 702 ? EARLY_PREEMPT : LATE_PREEMPT;
}

static Facts derive(const MigrationState *source, const MigrationState *destination, int transport, Facts told)
{
    bool wants = has_any(source->capabilities, CAP(RETURN_PATH) | CAP(POSTCOPY_RAM));
    bool compresses_alike = parameter_of(source, MIGRATION_PARAMETER_MULTIFD_COMPRESSION) ==
                            parameter_of(destination, MIGRATION_PARAMETER_MULTIFD_COMPRESSION);
    uint32_t set = (uint32_t)1 << transport;
    return told | channel_facts(source, destination) | if_true(source->context.tls, TLS_AT_SOURCE) |
           if_true(destination->context.tls, TLS_AT_DESTINATION) | if_true(set & TRANSPORT(TCP), TO_TCP) |
           if_true(set & TRANSPORT(FILE), TO_FILE) | if_true(set & MULTI_CHANNEL_TRANSPORTS, SOCKET) |
           if_true(wants, WANTS_RETURN) | if_true(wants && (told & ONE_WAY) == 0, RETURNS) |
           if_true(!compresses_alike, COMPRESSION_DIFFERS) | preempt_fact(&source->context.build) |
           if_true(is_11_1(&source->context.build) && is_11_1(&destination->context.build), NEW_ACKNOWLEDGEMENT);
}

static bool matches(int release, ReleaseSet set)
{
    return set == 0 || release_within(release, set);
}

static bool row_applies(const AgreementRow *row, const MigrationState *source, const MigrationState *destination,
                        Facts facts)
{
    return has_all(source->capabilities, row->source_on) && !has_any(source->capabilities, row->source_off) &&
           has_all(destination->capabilities, row->destination_on) &&
           !has_any(destination->capabilities, row->destination_off) && (facts & row->when) == row->when &&
           (facts & row->unless) == 0 && matches(source->context.build.release, row->source) &&
           matches(destination->context.build.release, row->destination);
}

/* ---- The prediction ---- */

/* Of the rows of one id, the first that applies counts. */
static bool is_told(const MigrationPrediction *prediction, const char *id)
{
    for (int i = 0; i < prediction->count; i++) {
        if (strcmp(rows[prediction->rows[i]].told.id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void note(MigrationPrediction *prediction, int number, Facts facts)
{
    const MigrationAgreement *told = &rows[number].told;
    bool decides = prediction->decisive < 0 && told->outcome != MIGRATION_COMPLETES;
    bool adds_a_place = prediction->decisive < 0 && told->guests != AT_DESTINATION;
    if (decides || adds_a_place) {
        bool too_late = decides && told->end == DESTINATION_SIDE && (facts & TOLD(READS_LATER)) != 0;
        bool fits = rows[number].unread && (facts & TO_TCP) != 0;
        prediction->guest = too_late || fits ? GUEST_NOWHERE : told->guest;
        prediction->guests = too_late ? NOWHERE : told->guests;
    }
    if (decides) {
        prediction->outcome = told->outcome;
        prediction->decisive = prediction->count;
    }
    prediction->rows[prediction->count++] = (uint8_t)number;
}

/* The guest runs where it is, unless it is paused there; a background snapshot never stops it at the source. */
static void settle(MigrationPrediction *prediction, CapabilitySet source, Facts facts)
{
    if (has_any(source, CAP(BACKGROUND_SNAPSHOT)) && prediction->guest == GUEST_NOWHERE) {
        prediction->guest = GUEST_SOURCE;
        prediction->guests = (prediction->guests & ~(uint32_t)NOWHERE) | AT_SOURCE;
    }
    bool source_paused = (facts & TOLD(SOURCE_PAUSED)) != 0;
    bool stays_paused = source_paused || (facts & TOLD(DESTINATION_PAUSED)) != 0;
    if (stays_paused && (prediction->guests & ON_BOTH) != 0) {
        int where = source_paused ? GUEST_NOWHERE : GUEST_SOURCE;
        prediction->guest = prediction->guest == GUEST_BOTH ? where : prediction->guest;
        prediction->guests = (prediction->guests & ~(uint32_t)ON_BOTH) | (uint32_t)1 << where;
    }
    uint32_t stopped = (source_paused ? AT_SOURCE : 0) | (stays_paused ? AT_DESTINATION : 0);
    if ((stopped & (uint32_t)1 << prediction->guest) != 0) {
        prediction->guest = GUEST_NOWHERE;
    }
    if ((stopped & prediction->guests) != 0) {
        prediction->guests = (prediction->guests & ~stopped) | NOWHERE;
    }
}

int migration_agree(const MigrationState *source, const MigrationState *destination, int transport, uint64_t told,
                    MigrationPrediction *prediction)
{
    if (migration_transport_name(transport) == NULL || told >> PAIR_FACT__MAX != 0) {
        return -EINVAL;
    }
    Facts facts = derive(source, destination, transport, told);
    *prediction = (MigrationPrediction){
        .outcome = MIGRATION_COMPLETES, .guest = GUEST_DESTINATION, .guests = AT_DESTINATION, .decisive = -1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (row_applies(&rows[i], source, destination, facts) && !is_told(prediction, rows[i].told.id)) {
            note(prediction, (int)i, facts);
        }
    }
    settle(prediction, source->capabilities, facts);
    return 0;
}

/* ---- Words ---- */

const MigrationAgreement *migration_agreement(int row)
{
    bool known = row >= 0 && (size_t)row < sizeof(rows) / sizeof(rows[0]);
    return known ? &rows[row].told : NULL;
}

#define NAME(id, text) [MIGRATION_NAME_##id] = text

static const char *const names[MIGRATION_NAME__MAX] = {
    NAME(SOURCE_MACHINE, "source machine"),
    NAME(DESTINATION_MACHINE, "destination machine"),
    NAME(SOURCE_UUID, "source uuid"),
    NAME(DESTINATION_UUID, "destination uuid"),
    NAME(BLOCK, "block"),
    NAME(SOURCE_SIZE, "source size"),
    NAME(DESTINATION_SIZE, "destination size"),
    NAME(SOURCE_PAGE_SIZES, "source page sizes"),
    NAME(DESTINATION_PAGE_SIZES, "destination page sizes"),
    NAME(SECTION, "section"),
    NAME(BITMAP, "bitmap"),
    NAME(NODE, "node"),
    NAME(SOURCE_TLS_CREDS, "source tls-creds"),
    NAME(DESTINATION_TLS_CREDS, "destination tls-creds"),
    NAME(DESTINATION_TLS_AUTHZ, "destination tls-authz"),
    NAME(HOSTNAME, "hostname"),
    NAME(SOURCE_FLAGS, "source flags"),
    NAME(DESTINATION_FLAGS, "destination flags"),
};

const char *migration_agreement_name(int name)
{
    return name >= 0 && name < MIGRATION_NAME__MAX ? names[name] : NULL;
}

const char *migration_agreement_words(int row, int release)
{
    if (migration_agreement(row) == NULL) {
        return NULL;
    }
    for (int i = 0; i < MOST_WORDS && rows[row].words[i].releases != 0; i++) {
        if (release_within(release, rows[row].words[i].releases)) {
            return rows[row].words[i].text;
        }
    }
    return NULL;
}
