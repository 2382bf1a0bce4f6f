# What the scripts of this OS definition share.  They need no root and no mount:
# the file system is written by mke2fs and debugfs straight onto the disk, be it a
# block device or a plain file, so the same definition serves the virtual cluster.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
here=$(cd "$(dirname "$0")" && pwd)

die() {
  echo "busybox OS: $*" >&2
  exit 1
}

# fail_if_asked SCRIPT: the OS parameter `fail` names a script that must fail
fail_if_asked() {
  [ "${OSP_FAIL:-}" != "$1" ] || die "$1 fails because the OS parameter fail=$1 asks for it"
}

# usage_if_asked ARGUMENTS…: the scripts take everything from the environment
usage_if_asked() {
  [ $# = 0 ] && return
  echo "usage: $(basename "$0"), with Ganeti's environment of OS scripts (ganeti-os-interface(7))"
  case $1 in -h | --help) exit 0 ;; esac
  exit 1
}

# network_line: "ADDRESS/LENGTH GATEWAY" for the guest, nothing when it has no address
network_line() {
  address=${OSP_IP:-${NIC_0_IP:-}}
  [ -n "$address" ] || return 0
  length=${NIC_0_NETWORK_SUBNET:-}
  length=${length##*/}
  case $address in */*) ;; *) address=$address/${length:-24} ;; esac
  echo "$address ${OSP_GATEWAY:-${NIC_0_NETWORK_GATEWAY:-}}"
}
