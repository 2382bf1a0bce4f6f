# The wires: one network namespace a lab, in it two bridges (0 primary, 1 secondary),
# and three taps a node.  The third tap is the lab's own: a link between this machine
# and that node alone, over which `run` works while the node is cut off.  Sourced by
# lab/uml.

in_lab() { ip netns exec "$netns" "$@"; }

network_up() {
  local b
  [ -e "/run/netns/$netns" ] || ip netns add "$netns"
  in_lab ip link set lo up
  for b in 0 1; do
    in_lab ip link show "lan$b" >/dev/null 2>&1 && continue
    in_lab ip link add "lan$b" gso_max_segs 1 gso_max_size 1514 type bridge
    in_lab ip addr add "10.77.$b.1/24" dev "lan$b"
    in_lab ip link set "lan$b" up
  done
}

# wire NODE-NUMBER: the node's taps, all plugged in
wire() {
  local i=$1 wire
  # user-mode Linux drops frames of segmentation offload, so nothing here may send them
  for wire in 0 1 9; do
    in_lab ip link show "n$i.$wire" >/dev/null 2>&1 || in_lab ip tuntap add "n$i.$wire" mode tap
    [ "$wire" = 9 ] || in_lab ip link set "n$i.$wire" master "lan$wire"
    in_lab ip link set "n$i.$wire" gso_max_segs 1 gso_max_size 1514 up
  done
  in_lab ip addr replace "10.77.9.1/32" peer "$(door "$i")/32" dev "n$i.9"
}

# door NODE-NUMBER: the address at which this machine reaches the node
door() { echo "10.77.9.$((10 + $1))"; }

# plug ACTION NODE-NUMBER [NETWORK]: ACTION is cut or join
plug() {
  local action=$1 i=$2 wire
  case ${3:-} in
    '') set -- 0 1 ;;
    primary) set -- 0 ;;
    secondary) set -- 1 ;;
    *) die "a network is primary or secondary, not '$3'" ;;
  esac
  # the tap leaves the bridge: frames vanish as in a pulled cable, the driver sees no error
  for wire in "$@"; do
    if [ "$action" = cut ]; then in_lab ip link set "n$i.$wire" nomaster; else in_lab ip link set "n$i.$wire" master "lan$wire"; fi
  done
}

# network_down: the namespace takes taps, bridges and addresses with it
network_down() {
  local pid
  [ -e "/run/netns/$netns" ] || return 0
  for pid in $(ip netns pids "$netns"); do kill -KILL "$pid" 2>/dev/null || true; done
  ip netns del "$netns"
}
