# SPDX-License-Identifier: GPL-2.0-or-later

"""What helps a host that lacks something."""

DEVICE = "/dev/userfaultfd"

OPEN_DEVICE = f"""\
give QEMU's user access to {DEVICE}: setfacl -m u:USER:rw {DEVICE}
  lasting, as a udev rule: KERNEL=="userfaultfd", GROUP="kvm", MODE="0660"
  in a container: --device {DEVICE} (docker, podman), or a device plugin (Kubernetes)"""
ADD_CAPABILITY = """\
give QEMU CAP_SYS_PTRACE: AmbientCapabilities=CAP_SYS_PTRACE in its systemd unit
  in a container: --cap-add SYS_PTRACE; in a Kubernetes pod: securityContext.capabilities.add: [SYS_PTRACE]"""
SET_SYSCTL = """\
let every process have it: sysctl -w vm.unprivileged_userfaultfd=1
  lasting: echo vm.unprivileged_userfaultfd=1 > /etc/sysctl.d/60-userfaultfd.conf"""
ALLOW_BY_FILTER = """\
allow the system call userfaultfd in the seccomp profile: "names": ["userfaultfd"], "action": "SCMP_ACT_ALLOW"
  docker, podman: --security-opt seccomp=PROFILE.json; Kubernetes: securityContext.seccompProfile.localhostProfile"""
FIND_OUT_OTHERWISE = """\
pymig changes nothing to find this out: name a file where it was a folder, and probe without a seccomp filter"""
RAISE_LIMITS = (
    "This process hit a resource limit, so the host could not be tested. Raise `ulimit -n`/`-v` and probe again."
)
