# Debian packages that the lab needs on this machine: what is missing is installed,
# nothing of it is started here (the nodes start their own).  Sourced by lab/uml.

lab_packages="iproute2 iputils-ping iputils-arping kmod udev lvm2 drbd-utils openvswitch-switch bridge-utils
  qemu-system-x86 qemu-utils socat openssh-server openssh-client e2fsprogs busybox-static patchelf procps
  util-linux cpio fdisk openssl fping ca-certificates"

# packages_ready: returns when every package is there; dies with apt's last lines
packages_ready() {
  local missing="" package
  for package in $lab_packages; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=" $package"
  done
  [ -n "$missing" ] || return 0
  say "installing Debian packages:$missing"
  # shellcheck disable=SC2086
  install_packages $missing
}

install_packages() {
  (
    export DEBIAN_FRONTEND=noninteractive
    mkdir -p /run/lock # drbd-utils cannot be unpacked while /var/lock points nowhere
    policy=/usr/sbin/policy-rc.d
    # keeps the package scripts from starting sshd, Open vSwitch or LVM's services here
    if [ ! -e $policy ]; then
      trap 'rm -f $policy' EXIT
      printf '#!/bin/sh\nexit 101\n' >$policy
      chmod 755 $policy
    fi
    apt-get -o DPkg::Lock::Timeout=300 update -qq &&
      apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
  ) >"$cache/apt.log" 2>&1 || {
    tail -n 15 "$cache/apt.log" >&2
    die "apt-get could not install: $*"
  }
}
