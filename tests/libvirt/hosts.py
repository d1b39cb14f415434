# SPDX-License-Identifier: GPL-2.0-or-later

"""Two hosts with libvirt in namespaces of their own: ``python -m tests.libvirt.hosts ROOT[:ROOT] OUT [domain]``.

tests.libvirt.live starts this as root in new mount, UTS, IPC, network and process namespaces, with which everything
ends. Each ROOT has libvirt, virsh and QEMU; it is not changed, because each host is an overlay over one. Each host has
its own name and UUID, so that libvirt takes them for two machines. OUT gets what was seen, as JSON; with ``domain``,
only of a domain as an end, for which one host is enough.
"""

import ctypes
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

SEND = re.compile(r"QEMU_MONITOR_SEND_MSG: mon=(0x[0-9a-f]+) msg=(\{.*\})(?: fd=-?\d+)?\s*$", re.MULTILINE)
SOURCES = Path(__file__).parents[2]
KEPT = re.compile(r"migrate|^(stop|getfd|object-(add|del))$")
UUIDS = {"a": "11111111-1111-4111-8111-111111111111", "b": "22222222-2222-4222-8222-222222222222"}
PEER = "qemu+unix:///system?socket=/peer/libvirt-sock"
PORT = 49300
NOTHING = subprocess.DEVNULL
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
STARTS, STEP = 60, 60  # seconds

DOMAIN = """<domain type='{type}'><name>g</name><uuid>deadbeef-0000-4000-8000-000000000001</uuid>
<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='{machine}'>hvm</type></os>
<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>
<on_crash>destroy</on_crash><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='usb' model='none'/><memballoon model='none'/><serial type='null'/></devices></domain>"""

LIBVIRTD = """host_uuid = "{uuid}"
log_filters = "1:qemu.qemu_monitor 3:util.object"
log_outputs = "1:file:/var/log/libvirt/libvirtd.log"
auth_unix_rw = "none"
auth_unix_ro = "none"
"""
QEMU = """user = "root"
group = "root"
dynamic_ownership = 0
namespaces = []
security_driver = "none"
cgroup_controllers = []
stdio_handler = "file"
"""

# What the package libvirt-daemon-system would add; libvirt looks for them, although the daemons run as root.
OWNERS = {
    "etc/passwd": "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin\n",
    "etc/group": "libvirt:x:64054:\nlibvirt-qemu:x:64055:\n",
}

CASES = (
    "--live",
    "",
    "--live --p2p",
    "--live --p2p --tunnelled",
    "--live --auto-converge --auto-converge-initial 30 --auto-converge-increment 15",
    "--live --compressed",
    "--live --comp-methods xbzrle --comp-xbzrle-cache 33554432",
    "--live --comp-methods mt",
    "--live --comp-methods mt --comp-mt-level 10",
    "--live --parallel",
    "--live --parallel --parallel-connections 4 --bandwidth 200",
    "--live --parallel --parallel-connections 0",
    "--live --parallel --compressed",
    "--live --parallel --comp-methods zlib",
    "--live --parallel --comp-methods zstd",
    "--live --rdma-pin-all",
    "--live --bandwidth 100 --postcopy-bandwidth 50",
    "--live --postcopy",
    "--live --postcopy --parallel",
    "--live --postcopy --suspend",
    "--live --auto-converge-initial 30",
    "--live --parallel-connections 4",
    "--live --zerocopy",
    "--live --persistent --undefinesource --verbose",
    "--live --offline",
    "--live --migrateuri 127.0.0.1",
    "--live --migrateuri exec:foo",
    "--live --migrateuri tcp://127.0.0.1:0",
    "--live --migrateuri rdma://",
    "--live --migrateuri rdma://127.0.0.1",
    "--live --migrateuri rdma://127.0.0.1 --comp-methods lz4",
    "--graphicsuri spice://there:5?tlsPort=7&tlsSubject=x",
    "--live --disks-port 5 --disks-uri tcp://127.0.0.1:6",
)


DISK = """<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>
<source file='/var/tmp/{target}.qcow2'/><target dev='{target}' bus='virtio'/>{more}</disk>"""
EVERYWHERE = "pc-q35-7.2"
"""A machine type of all the QEMUs."""

SNAPSHOT = ("snapshot-create-as", "g", "s", "--memspec", "file=/var/tmp/memory")
COPY = ("blockcopy", "g", "vda", "/var/tmp/copy.qcow2", "--transient-job")
BITMAPS = {"vda": ["b0"], "vdb": ["b1", "b2"]}

# Each: virsh's words; the facts of pymig's Domain; its disks with their bitmaps; more in each disk's XML, or in the
# command that starts it; commands of virsh before.
DOMAINS = (
    ("--live", {"snapshots": 1}, {}, "", (SNAPSHOT,)),
    ("--live --unsafe", {"block_job": True}, {"vda": []}, "", (COPY,)),
    ("--live --copy-storage-all", {"transient_disk": True}, {"vda": []}, "<transient/>", ()),
    ("--live", {"auto_destroy": True}, {}, "--autodestroy", ()),
    ("--live", {"shared_storage": False}, {"vda": []}, "", ()),
    ("--live --copy-storage-all --migrate-disks vda", {"shared_storage": False}, BITMAPS, "", ()),
    ("--live --copy-storage-all", {"shared_storage": False}, {"vda": []}, "", ()),
    ("--live --copy-storage-all", {"shared_storage": False}, BITMAPS, "", ()),
    ("--live --copy-storage-inc --migrate-disks vda --unsafe", {"shared_storage": False}, BITMAPS, "", ()),
    ("--live --copy-storage-all --migrate-disks vdz --unsafe", {}, {"vda": []}, "", ()),
    ("--live --copy-storage-inc --parallel --postcopy", {"shared_storage": False}, {"vda": ["b"]}, "", ()),
)


def loopback_up():
    """What ``ip link set lo up`` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def run(*words, timeout=STEP):
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=timeout)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


class Host:
    """One host: its root, its daemon, and the daemon's log."""

    def __init__(self, name, base, scratch, machine):
        self.name = name
        self.root = scratch / name / "root"
        self.log = self.root / "var/log/libvirt/libvirtd.log"
        upper, work = scratch / name / "upper", scratch / name / "work"
        for folder in (self.root, upper, work):
            folder.mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base},upperdir={upper},workdir={work}", self.root)
        for folder in ("dev", "proc", "sys", "peer", "pymig", "etc/libvirt", "var/log/libvirt", "run/libvirt"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", "/dev", self.root / "dev")
        run("mount", "-t", "proc", "proc", self.root / "proc")
        run("mount", "-t", "sysfs", "sysfs", self.root / "sys")
        run("mount", "--bind", SOURCES, self.root / "pymig")
        (self.root / "etc/libvirt/libvirtd.conf").write_text(LIBVIRTD.format(uuid=UUIDS[name]))
        (self.root / "etc/libvirt/qemu.conf").write_text(QEMU)
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost hosta hostb\n")
        accelerator = "kvm" if Path("/dev/kvm").exists() else "qemu"
        (self.root / "g.xml").write_text(DOMAIN.format(type=accelerator, machine=machine))
        for file, line in OWNERS.items():
            with (self.root / file).open("a") as owners:
                owners.write(line)

    def start(self):
        words = f"hostname host{self.name}; exec chroot {shlex.quote(str(self.root))} libvirtd"
        daemon = subprocess.Popen(["unshare", "--uts", "sh", "-c", words], env=ENVIRONMENT)
        begin = time.monotonic()
        while self.virsh("version")[0]:
            if daemon.poll() is not None or time.monotonic() - begin > STARTS:
                raise RuntimeError(f"libvirtd does not start: {self.log.read_text(errors='replace')[-500:]}")
            time.sleep(0.5)

    def virsh(self, *words):
        """Exit status, output, and error of virsh on this host."""
        command = ["timeout", str(STEP), "chroot", self.root, "virsh", "-k0", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT, stdin=NOTHING)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def versions(self):
        text = self.virsh("version")[1]
        return [re.search(pattern, text)[1] for pattern in (r"library: libvirt (\S+)", r"hypervisor: QEMU (\S+)")]

    def constants(self):
        """libvirt-python's VIR_MIGRATE_*."""
        script = (
            "import json, libvirt; print(json.dumps("
            "{name: value for name, value in vars(libvirt).items() if name.startswith('VIR_MIGRATE_')}))"
        )
        return json.loads(run("chroot", self.root, "python3", "-c", script))

    def pymig(self, *words):
        """Exit status, output, and error of pymig on this host, with its Python and libvirt-python."""
        command = ["timeout", str(STEP), "chroot", self.root, "python3", "-m", "pymig", *words]
        environment = {**ENVIRONMENT, "PYTHONPATH": "/pymig", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, stdin=NOTHING)
        return done.returncode, done.stdout, done.stderr

    def sent_since(self, position, kept=KEPT):
        """The commands that went to QEMU: [execute, arguments], without the polling."""
        with self.log.open(errors="replace") as log:
            log.seek(position)
            messages = [json.loads(found[2]) for found in SEND.finditer(log.read())]
        return [[one["execute"], one.get("arguments")] for one in messages if kept.search(one["execute"])]


def migrate(source, destination, words, path="/g.xml", before=(), first=""):
    """One migration: an entry for each end, as in the recordings. ``first``: what the same virsh does before."""
    hosts = {"source": source, "destination": destination}
    for command in (("create", path), *before) if path else ():
        status, _, error = source.virsh(*command)
        if status:
            raise RuntimeError(error)
    positions = {side: host.log.stat().st_size for side, host in hosts.items()}
    has_uri = "--tunnelled" in words or "--migrateuri" in words
    uri = [] if has_uri else ["--migrateuri", f"tcp://127.0.0.1:{PORT}"]
    options = ["migrate", "g", *words.split(), "--desturi", PEER, *uri]
    status, _, error = source.virsh(f"{first} {shlex.join(options)}") if first else source.virsh(*options)
    time.sleep(0.3)
    sent = {side: host.sent_since(positions[side]) for side, host in hosts.items()}
    for host in hosts.values():
        host.virsh("destroy", "g")
        host.virsh("undefine", "g", "--snapshots-metadata")
    lines = [line for line in error.splitlines() if line.strip()]
    return {"virsh": ["virsh", *options], "exit": status, "error": lines, "sent": sent}


def with_disks(hosts, disks, more):
    """Makes the disks on both hosts, with bitmaps on the first. Returns the path of a domain's XML that has them."""
    for number, host in enumerate(hosts):
        for target, bitmaps in disks.items():
            path = f"/var/tmp/{target}.qcow2"
            run("chroot", host.root, "qemu-img", "create", "-q", "-f", "qcow2", path, "8M")
            for bitmap in bitmaps if not number else ():
                run("chroot", host.root, "qemu-img", "bitmap", "--add", path, bitmap)
    text = (hosts[0].root / "g.xml").read_text()
    devices = "".join(DISK.format(target=target, more=more) for target in disks)
    (hosts[0].root / "gd.xml").write_text(text.replace("<controller", f"{devices}<controller", 1))
    return "/gd.xml"


def migrate_domain(source, destination, words, facts, disks, more, before):
    """One migration of a domain with these facts; see DOMAINS."""
    ends = more == "--autodestroy"  # with the connection that has started it
    path = with_disks((source, destination), disks, "" if ends else more)
    create = f"create {path} --autodestroy;" if ends else ""
    seen = migrate(source, destination, words, "" if ends else path, before, create)
    source.virsh("snapshot-delete", "g", "s", "--metadata")
    shutil.rmtree(source.root / "var/tmp")
    (source.root / "var/tmp").mkdir()
    return {**seen, "facts": {**facts, "disks": disks or None}}


def asked(host):
    """What pymig says of the domain, and what QEMU is sent for it; then of a QEMU that hangs, and of no running one."""
    host.virsh("create", "/g.xml")
    position = host.log.stat().st_size
    answers = {"describe": host.pymig("describe", "libvirt:g")}
    sent = sorted({execute for execute, _ in host.sent_since(position, re.compile(""))})
    answers["uri"] = host.pymig("describe", "libvirt:qemu+unix:///system?socket=/run/libvirt/libvirt-sock#g")
    answers["virsh"] = host.pymig("virsh", "migrate", "--live", "--source", "libvirt:g", "--destination", "libvirt:g")
    answers["watch"] = host.pymig("watch", "libvirt:g", "--json")
    host.virsh(*SNAPSHOT)
    answers["snapshot"] = host.pymig("virsh", "migrate", "--live", "--source", "libvirt:g", "--json")
    host.virsh("snapshot-delete", "g", "s", "--metadata")
    answers["unknown"] = host.pymig("describe", "libvirt:nobody")
    answers["unreachable"] = host.pymig("describe", "libvirt:qemu+unix:///system?socket=/nowhere#g")
    answers["another driver"] = host.pymig("describe", "libvirt:test:///default#test")
    process = int((host.root / "run/libvirt/qemu/g.pid").read_text())
    os.kill(process, signal.SIGSTOP)
    answers["hangs"] = host.pymig("describe", "libvirt:g", "--timeout", "2")
    os.kill(process, signal.SIGCONT)
    answers["again"] = host.pymig("describe", "libvirt:g")
    host.virsh("destroy", "g")
    host.virsh("define", "/g.xml")
    answers["off"] = host.pymig("describe", "libvirt:g")
    host.virsh("undefine", "g")
    return {"sent": sent, "answers": answers}


def main():
    bases, out = sys.argv[1].split(":"), Path(sys.argv[2])
    machine = "q35" if len(bases) == 1 else EVERYWHERE
    ctypes.CDLL(None).mount(None, b"/", None, 1 << 14 | 1 << 18, None)  # MS_REC, MS_PRIVATE
    loopback_up()
    scratch = out.with_suffix(".hosts")
    scratch.mkdir()
    run("mount", "-t", "tmpfs", "tmpfs", scratch)
    source, destination = (
        Host(name, base, scratch, machine) for name, base in zip(UUIDS, (bases * 2)[:2], strict=True)
    )
    run("mount", "--bind", destination.root / "run/libvirt", source.root / "peer")
    source.start()
    if sys.argv[3:] == ["domain"]:
        out.write_text(json.dumps({"qemu": source.versions()[1], "domain": asked(source)}))
        return
    destination.start()
    seen = {"source": source.versions(), "destination": destination.versions(), "constants": source.constants()}
    seen["options"] = re.findall(r"^    \[?--([a-z0-9-]+)", source.virsh("help", "migrate")[1] + "\n", re.MULTILINE)
    seen["domain"] = asked(source)
    seen["migrations"] = []
    for words in CASES:
        print(f"virsh migrate {words}", file=sys.stderr, flush=True)
        seen["migrations"].append(migrate(source, destination, words))
    for case in DOMAINS:
        print(f"virsh migrate {case[0]}, {case[1]}", file=sys.stderr, flush=True)
        seen["migrations"].append(migrate_domain(source, destination, *case))
    out.write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
