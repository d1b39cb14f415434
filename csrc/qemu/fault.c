/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bugs that a request triggers although the release accepts it. */
#include "qemu/fault.h"

#include <string.h>

#include "qemu/capability.h"
#include "qemu/qapi.h"
#include "qemu/release.h"

typedef struct FaultRow {
    QemuFault fault;
    ReleaseSet releases;
    /* Whether this migrate-set-parameters request triggers the fault. NULL for other commands. */
    bool (*is_met)(const QmpValue *request);
} FaultRow;

static bool names_no_tls_creds(const QmpValue *request)
{
    return qmp_member_of(request, "tls-creds") == NULL;
}

static bool has_null_tls_authz(const QmpValue *request)
{
    const QmpValue *authz = qmp_member_of(request, "tls-authz");
    return authz != NULL && authz->type == QMP_NULL;
}

static const FaultRow faults[FAULT__MAX] = {
    [FAULT_ZERO_COPY_SEND] =
        {{.id = "set-parameters/zero-copy-send",
          .command = "migrate-set-parameters",
          .condition = "zero-copy-send is on, and the request (even an empty one) does not contain tls-creds",
          .consequence = "QEMU reads through a null pointer and dies; the guest is lost",
          .releases = "10.2.50 and 11.0.0; fixed by 11.0.3 at the latest",
          .reference = "upstream commit f77a7cec9f",
          .capabilities = CAP(ZERO_COPY_SEND)},
         .releases = BETWEEN(10_2_50, 11_0_3),
         .is_met = names_no_tls_creds},
    [FAULT_TLS_AUTHZ_NULL] = {{.id = "set-parameters/tls-authz-null",
                               .command = "migrate-set-parameters",
                               .condition = "the request has tls-authz: null",
                               .consequence = "QEMU aborts on an assertion; the guest is lost",
                               .releases = "7.2.0 to 7.2.6, 8.0, 8.1.0 and 8.1.1",
                               .reference = "upstream commit 86dec715a7"},
                              .releases = BEFORE(8_2) & ~(ONLY(7_2_7) | ONLY(8_1_2)),
                              .is_met = has_null_tls_authz},
    [FAULT_CPR_TRANSFER_URI] =
        {{.id = "migrate/cpr-transfer-uri",
          .command = "migrate",
          .condition = "mode is cpr-transfer, migrate gets a uri instead of channels, and no other check refuses it",
          .consequence = "QEMU aborts: cpr_state_save: assertion failed: (channel); the guest is lost",
          .releases = "10.2.50, 11.0 and 11.1",
          .reference = "seen with 11.0.3 and 11.1.3"},
         .releases = FROM(10_2_50)},
    [FAULT_RDMA_ADDRESS] = {{.id = "migrate/rdma-address",
                             .command = "migrate",
                             .condition = "migrate or migrate-incoming gets an rdma: uri without a port",
                             .consequence = "QEMU aborts: free(): invalid pointer; the guest is lost",
                             .releases = "all from 8.2 on",
                             .reference = "seen with 8.2.2, 10.0.2, 10.0.13 and 11.1.3"},
                            .releases = FROM(8_2)},
    [FAULT_NO_MAIN_CHANNEL] = {{.id = "migrate/no-main-channel",
                                .command = "migrate",
                                .condition = "channels has a cpr channel and no main channel",
                                .consequence = "QEMU crashes; the guest is lost",
                                .releases = "all from 10.0 on; migrate-incoming, too, at the latest from 11.1 on",
                                .reference = "seen with 10.0.2, 10.0.13 and 11.1.3"},
                               .releases = FROM(10_0)},
    [FAULT_NO_EXEC_ARGUMENTS] =
        {{.id = "migrate/exec-without-arguments",
          .command = "migrate",
          .condition = "migrate or migrate-incoming gets a channel of transport exec with an empty list of arguments",
          .consequence = "QEMU crashes; the guest is lost",
          .releases = "all from 8.2 on",
          .reference = "seen with 8.2.2, 10.0.2, 10.0.13 and 11.1.3"},
         .releases = FROM(8_2)},
    [FAULT_SAVEVM_MULTIFD] =
        {{.id = "savevm/multifd",
          .command = "savevm",
          .condition = "a snapshot is taken while multifd or mapped-ram is still on, for example after a migration",
          .consequence = "QEMU may crash, and the snapshot may be corrupt; from 10.2 on multifd is refused",
          .releases = "all before 10.2",
          .reference = "QEMU issue 2881",
          .capabilities = CAP(MULTIFD) | CAP(MAPPED_RAM)},
         .releases = BEFORE(10_2)},
};

const QemuFault *qemu_fault(int number)
{
    return number >= 0 && number < FAULT__MAX ? &faults[number].fault : NULL;
}

uint32_t qemu_build_faults(const QemuBuild *build)
{
    uint32_t has = 0;
    for (int i = 0; i < FAULT__MAX; i++) {
        has |= (uint32_t)release_within(build->release, faults[i].releases) << i;
    }
    return has;
}

uint32_t parameters_faults(const QemuBuild *build, CapabilitySet capabilities, const QmpMember *members, size_t count)
{
    const QmpValue request = {.type = QMP_OBJECT, .number = count, .members = members};
    uint32_t has = qemu_build_faults(build), met = 0;
    for (int i = 0; i < FAULT__MAX; i++) {
        const FaultRow *row = &faults[i];
        bool switched_on = row->fault.capabilities == 0 || has_any(capabilities, row->fault.capabilities);
        bool is_met = row->is_met != NULL && switched_on && row->is_met(&request);
        met |= has & (uint32_t)is_met << i;
    }
    return met;
}
