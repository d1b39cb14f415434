/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migration/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu/names.h"
#include "qemu/qapi.h"
#include "qemu/release.h"

/* A transport: the scheme of its uri, and the name of its MigrationAddress or, for a socket, of its SocketAddress. */
typedef struct TransportRow {
    const char *name;
    const char *type;
    ReleaseSet present;
} TransportRow;

#define ROW(id) [MIGRATION_TRANSPORT_##id]

static const TransportRow transports[MIGRATION_TRANSPORT__MAX] = {
    ROW(TCP) = {"tcp", "inet", ALWAYS},   ROW(UNIX) = {"unix", "unix", ALWAYS}, ROW(VSOCK) = {"vsock", "vsock", ALWAYS},
    ROW(FD) = {"fd", "fd", ALWAYS},       ROW(EXEC) = {"exec", "exec", ALWAYS}, ROW(FILE) = {"file", "file", FROM(8_2)},
    ROW(RDMA) = {"rdma", "rdma", ALWAYS},
};

const char *migration_transport_name(int transport)
{
    return transport >= 0 && transport < MIGRATION_TRANSPORT__MAX ? transports[transport].name : NULL;
}

int transport_of_scheme(const char *uri)
{
    for (int i = 0; i < MIGRATION_TRANSPORT__MAX; i++) {
        size_t length = strlen(transports[i].name);
        if (strncmp(uri, transports[i].name, length) == 0 && uri[length] == ':') {
            return i;
        }
    }
    return -ENOENT;
}

int migration_transport_of_uri(const QemuBuild *build, const char *uri)
{
    int transport = transport_of_scheme(uri);
    bool known = transport >= 0 && release_within(build->release, transports[transport].present);
    return known ? transport : -ENOENT;
}

const char *transport_address(const char *uri)
{
    return strchr(uri, ':') + 1;
}

int transport_of_address(const QmpValue *address)
{
    const char *type = qmp_member_of(address, "transport")->text;
    if (strcmp(type, "socket") == 0) {
        type = qmp_member_of(address, "type")->text;
    }
    int transport = 0;
    while (strcmp(transports[transport].type, type) != 0) {
        transport++;
    }
    return transport;
}

/* ---- Addresses ---- */

/* HOST:PORT, :PORT or [HOST]:PORT. Options may follow; they are not checked. */
static const char *inet_fault(const QemuBuild *build, const char *address)
{
    bool any_length = release_within(build->release, FROM(10_1));
    int end = -1;
    if (address[0] == '[') {
        sscanf(address, "[%*64[^]]]:%*32[^,]%n", &end);
        return end < 0 ? "error parsing IPv6 address '%s'" : NULL;
    }
    sscanf(address, address[0] == ':' ? ":%*32[^,]%n" : any_length ? "%*[^:]:%*32[^,]%n" : "%*64[^:]:%*32[^,]%n", &end);
    return end < 0 ? "error parsing address '%s'" : NULL;
}

/* CID:PORT. */
static const char *vsock_fault(const char *address)
{
    int end = -1;
    sscanf(address, "%*32[^:]:%*32[^,]%n", &end);
    return end < 0 ? "error parsing address '%s'" : address[end] != '\0' ? "trailing characters in address '%s'" : NULL;
}

bool rdma_address_is_wrong(const QemuBuild *build, const char *address)
{
    return inet_fault(build, address) != NULL;
}

const char *transport_address_fault(const QemuBuild *build, int transport, const char *address)
{
    bool is_parsed_first = release_within(build->release, FROM(8_2));
    switch (transport) {
    case MIGRATION_TRANSPORT_TCP:
        return inet_fault(build, address);
    case MIGRATION_TRANSPORT_VSOCK:
        return vsock_fault(address);
    case MIGRATION_TRANSPORT_UNIX:
        return address[0] == '\0' ? "invalid Unix socket address" : NULL;
    case MIGRATION_TRANSPORT_FD:
        return address[0] == '\0' && is_parsed_first ? "invalid file descriptor address" : NULL;
    case MIGRATION_TRANSPORT_RDMA:
        return rdma_address_is_wrong(build, address) && !is_parsed_first ? "RDMA ERROR: bad RDMA migration address '%s'"
                                                                         : NULL;
    default:
        return NULL;
    }
}
