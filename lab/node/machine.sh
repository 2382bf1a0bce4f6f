# A node from outside: boot, wait, run, copy, pull the plug; and the lab as a whole.
# Sourced by lab/uml.
#
# A node's processes live in a PID namespace of their own, so that pulling the plug is
# one signal and leaves no process behind.  All of them are pinned to one CPU: kernel
# and user code of a node hand over to each other at every system call, and across
# CPUs that costs three times as much.

# settings: NODES, MEM_MB, PV_MB of this lab
settings() {
  [ -e "$state/settings" ] || die "lab '$lab_name' is not up; 'lab/uml up' boots it"
  . "$state/settings"
}

# number NODE: 2 of node2, node2.lab.example or 2; dies when the lab has no such node
number() {
  local i=${1:-}
  settings
  i=${i#node}
  i=${i%".$domain"}
  [[ $i =~ ^[1-9][0-9]?$ ]] && [ "$i" -le "$NODES" ] || die "no node '${1:-}' in this lab (node1 to node$NODES)"
  echo "$i"
}

# locked: one command that changes the lab at a time, the others wait
locked() {
  mkdir -p "$state"
  exec 8>"$lab_dir/labs/$lab_name.lock"
  flock -n 8 || {
    say "another command is changing lab '$lab_name', waiting for it"
    flock -w 900 8 || die "lab '$lab_name' is still held by another command"
  }
}

alive() {
  local pid
  pid=$(cat "$state/node$1/pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && grep -qz "^LAB_NODE=$state/node$1$" "/proc/$pid/environ" 2>/dev/null
}

make_disks() { # NODE-NUMBER
  local folder=$state/node$1
  [ -e "$folder/made" ] && return
  rm -rf "$folder"
  mkdir -p "$folder/ssh"
  truncate -s 8G "$folder/root"
  mke2fs -q -F -t ext4 -J size=16 -E lazy_itable_init=1,lazy_journal_init=1 -N 131072 "$folder/root"
  truncate -s "${PV_MB}M" "$folder/pv"
  # made here and not on the node, where an RSA key takes seconds
  ssh-keygen -q -t ed25519 -N '' -C "node$1.$domain" -f "$folder/ssh/ssh_host_ed25519_key"
  ssh-keygen -q -t rsa -b 2048 -N '' -C "node$1.$domain" -f "$folder/ssh/ssh_host_rsa_key"
  tr -d - </proc/sys/kernel/random/uuid >"$folder/machine-id"
  : >"$folder/made"
}

# boot NODE-NUMBER: returns at once; boots_well waits for it
boot() {
  local i=$1 folder cpus
  folder=$state/node$i
  make_disks "$i"
  wire "$i"
  plug join "$i"
  printf '%s=%q\n' name "node$i.$domain" number "$i" domain "$domain" modules "$uml_modules" state "$state" folder "$folder" \
    checkout "$checkout" cache "$cache" door "$(door "$i")" >"$folder/settings"
  mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | awk -F- '{for (c = $1; c <= ($2 == "" ? $1 : $2); c++) print c}')
  rm -rf "$folder/umid"
  : >"$folder/console"
  touch "$folder/seen"
  # fd 8 is the lab's lock: a node must not hold it
  setsid env LAB_NODE="$folder" ip netns exec "$netns" taskset -c "${cpus[$(((i - 1) % ${#cpus[@]}))]}" \
    unshare --mount --pid --fork --kill-child=KILL --mount-proc sh -c '"$@" & wait' init \
    env TMPDIR=/dev/shm LAB_KERNEL="$uml_binary" LD_PRELOAD="$uml_preload" "$here/node/power-on" $uml_options \
    mem="${MEM_MB}M" uml_dir="$folder/umid" umid="node$i" root=/dev/root rootfstype=hostfs hostfs=/ ro quiet \
    con=null con0=null,fd:1 ssl=null ubda="$folder/root" ubdb="$folder/pv" \
    vec0:transport=tap,ifname="n$i.0",depth=64,mac="$(printf '02:aa:00:00:00:%02x' $((10 + i)))" \
    vec1:transport=tap,ifname="n$i.1",depth=64,mac="$(printf '02:aa:00:00:10:%02x' $((10 + i)))" \
    vec2:transport=tap,ifname="n$i.9",depth=64,mac="$(printf '02:aa:00:00:90:%02x' $((10 + i)))" \
    init="$here/node/init" LAB_SETTINGS="$folder/settings" </dev/null >>"$folder/console" 2>&1 8>&- &
  echo $! >"$folder/pid"
}

ready() { grep -q '^LAB-NODE-READY' "$state/node$1/console"; }

# boots_well NODE-NUMBER: waits until the node is ready, dies when it ends or takes 120 s
boots_well() {
  local i=$1 folder=$state/node$1 t
  for ((t = 0; t < 1200; t++)); do
    if ready "$i"; then
      open_door "$i"
      return
    fi
    alive "$i" || [ $t -lt 5 ] || break
    sleep 0.1
  done
  tail -n 20 "$folder/console" >&2
  pull "$i"
  die "node$i did not become ready"
}

# pull NODE-NUMBER: the plug
pull() {
  local pid folder=$state/node$1
  if alive "$1"; then
    pid=$(cat "$folder/pid")
    kill -KILL -- "-$pid"
    while [ -n "$(pgrep -g "$pid")" ]; do sleep 0.05; done
  fi
  rm -f "$folder/pid"
  close_door "$1"
}

# One ssh connection a node is kept open, so that a command costs no key exchange.
ssh_options() { # NODE-NUMBER
  printf '%s\0' -F none -i "$state/ssh/id_ed25519" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o LogLevel=ERROR -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=8 -o ControlPath="$state/node$1/door"
}
open_door() {
  local options try
  mapfile -d '' options < <(ssh_options "$1")
  # a door that answers stays, a dead one's socket goes
  if [ -S "$state/node$1/door" ] && timeout 5 ssh "${options[@]}" -O check "root@$(door "$1")" >/dev/null 2>&1; then return; fi
  close_door "$1"
  # sshd goes to the background before it listens, so a node can be ready a moment before its sshd
  for ((try = 0; try < 50; try++)); do
    if in_lab ssh "${options[@]}" -o ControlMaster=yes -N -f "root@$(door "$1")" </dev/null >"$state/node$1/door.log" 2>&1 7>&- 8>&-; then return; fi
    grep -q 'Connection refused' "$state/node$1/door.log" || break
    sleep 0.1
  done
  die "node$1 does not take ssh connections: $(cat "$state/node$1/door.log")"
}
close_door() {
  local options
  [ -S "$state/node$1/door" ] || return 0
  mapfile -d '' options < <(ssh_options "$1")
  timeout 5 ssh "${options[@]}" -O exit "root@$(door "$1")" >/dev/null 2>&1 || true
  rm -f "$state/node$1/door"
}

# quoted ARGUMENTS…: for the shell that sshd puts between
quoted() {
  local argument out=""
  for argument in "$@"; do out+="'${argument//\'/\'\\\'\'}' "; done
  printf '%s' "${out% }"
}

lab_up() {
  local nodes="" memory="" volume="" fresh="" i started
  while [ $# -gt 0 ]; do
    case $1 in
      -n) nodes=${2:-} ;;
      -m) memory=${2:-} ;;
      -d) volume=${2:-} ;;
      --fresh)
        fresh=1
        shift
        continue
        ;;
      *) die "up: unknown argument '$1' (known: -n NODES -m MEM_MB -d PV_MB --fresh)" ;;
    esac
    [[ ${2:-} =~ ^[1-9][0-9]{0,7}$ ]] || die "up $1: '${2:-}' is not a positive number"
    shift 2
  done
  locked
  started=$(date +%s%N)
  kernels_ready
  if [ -n "$fresh" ]; then stop_all && rm -rf "$state"; fi
  mkdir -p "$state/ssh" "$state/share"
  local NODES=3 MEM_MB=1024 PV_MB=24576 had=0
  if [ -e "$state/settings" ]; then . "$state/settings" && had=$NODES; fi
  NODES=${nodes:-$NODES} MEM_MB=${memory:-$MEM_MB} PV_MB=${volume:-$PV_MB}
  [ "$NODES" -ge "$had" ] || NODES=$had
  [ "$NODES" -le 40 ] || die "up -n $NODES: at most 40 nodes"
  enough_memory
  printf 'NODES=%s MEM_MB=%s PV_MB=%s\n' "$NODES" "$MEM_MB" "$PV_MB" >"$state/settings"
  [ -e "$state/ssh/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C "lab" -f "$state/ssh/id_ed25519"
  network_up
  local began=()
  for ((i = 1; i <= NODES; i++)); do
    if alive "$i"; then continue; fi
    boot "$i"
    began+=("$i")
  done
  for ((i = 1; i <= NODES; i++)); do
    boots_well "$i"
    case " ${began[*]} " in
      *" $i "*) say "node$i is ready, $(grep '^LAB-NODE-READY' "$state/node$i/console" | awk '{print $2}') s after its start" ;;
      *) see_anew "$i" ;;
    esac
  done
  say "$NODES nodes are up after $((($(date +%s%N) - started) / 1000000000)) s; try: lab/uml run node1 gnt-cluster --version"
}

# A node's memory is a file on /dev/shm; each of its pages is one mapping of a process.
enough_memory() {
  local free_mb need_mb maps
  free_mb=$(df -m --output=avail /dev/shm | tail -n 1)
  need_mb=$((NODES * MEM_MB))
  [ "$free_mb" -ge "$need_mb" ] || say "warning: $NODES nodes of $MEM_MB MB want $need_mb MB on /dev/shm, which has $free_mb MB left"
  maps=$(cat /proc/sys/vm/max_map_count)
  if [ "$maps" -lt 1048576 ]; then
    [ -e "$cache/max_map_count" ] || echo "$maps" >"$cache/max_map_count"
    echo 1048576 >/proc/sys/vm/max_map_count || say "warning: vm.max_map_count stays $maps; large programs may fail on the nodes"
  fi
}

# A node caches this machine's files for good: it would go on running yesterday's build.
# see_anew NODE-NUMBER: empties the node's caches
see_anew() {
  local options
  mapfile -d '' options < <(ssh_options "$1")
  touch "$state/node$1/seen"
  # twice: the first pass frees the copy-on-write root's hold on the files below
  in_lab ssh "${options[@]}" "root@$(door "$1")" 'echo 3 >/proc/sys/vm/drop_caches; echo 3 >/proc/sys/vm/drop_caches' </dev/null || true
}
# sees_old_build NODE-NUMBER: whether the programs changed since the node last looked
sees_old_build() {
  [ -n "$(cd "$checkout" && find bin lab dist -name .compile-cache -prune -o -newer "$state/node$1/seen" -print -quit 2>/dev/null)" ]
}

lab_run() {
  local i options terminal=-T
  i=$(number "${1:-}")
  shift
  alive "$i" || die "node$i is down"
  # a node that reset itself has shut the door
  if [ ! -S "$state/node$i/door" ] && ready "$i"; then (flock 7 && open_door "$i") 7>"$state/node$i/door.lock"; fi
  if sees_old_build "$i"; then see_anew "$i"; fi
  mapfile -d '' options < <(ssh_options "$i")
  if [ -t 0 ] && [ -t 1 ]; then terminal=-t; fi
  if [ $# = 0 ]; then in_lab_exec ssh "${options[@]}" "$terminal" "root@$(door "$i")"; fi
  in_lab_exec ssh "${options[@]}" "$terminal" "root@$(door "$i")" -- "$(quoted "$@")"
}
in_lab_exec() { exec ip netns exec "$netns" "$@"; }

copy() { # NODE-NUMBER FROM TO
  local options
  alive "$1" || die "node$1 is down"
  mapfile -d '' options < <(ssh_options "$1")
  in_lab_exec scp -q -r -p "${options[@]}" -- "$2" "$3"
}
lab_put() {
  [ $# = 3 ] || die "put takes NODE LOCAL REMOTE"
  local i
  i=$(number "$1")
  copy "$i" "$(realpath -s -- "$2")" "root@$(door "$i"):$3"
}
lab_get() {
  [ $# = 3 ] || die "get takes NODE REMOTE LOCAL"
  local i
  i=$(number "$1")
  copy "$i" "root@$(door "$i"):$2" "$(realpath -s -- "$3")"
}

lab_kill() {
  local i
  i=$(number "${1:-}")
  locked
  pull "$i"
}
lab_start() {
  local i
  i=$(number "${1:-}")
  locked
  settings
  if alive "$i"; then return; fi
  kernels_ready
  network_up
  boot "$i"
  boots_well "$i"
}
lab_cut() { cut_or_join cut "$@"; }
lab_join() { cut_or_join join "$@"; }
cut_or_join() {
  local i
  i=$(number "${2:-}")
  plug "$1" "$i" "${3:-}"
}

lab_console() {
  local i
  i=$(number "${1:-}")
  case ${2:-} in
    '') cat "$state/node$i/console" ;;
    -f) exec tail -n +1 -f "$state/node$i/console" ;;
    *) die "console: unknown argument '$2'" ;;
  esac
}

lab_lan() {
  settings
  [ $# -gt 0 ] || die "lan takes a command"
  in_lab_exec "$@"
}

lab_status() {
  local i wires
  settings
  for ((i = 1; i <= NODES; i++)); do
    if ! alive "$i"; then
      echo "node$i down"
      continue
    fi
    wires=$(for b in 0 1; do in_lab ip -o link show "n$i.$b" | grep -q master || echo "$b"; done | tr '\n' ' ')
    case $wires in '') wires="joined" ;; '0 ') wires="primary cut" ;; '1 ') wires="secondary cut" ;; *) wires="cut" ;; esac
    echo "node$i up 10.77.0.$((10 + i)) $wires"
  done
}

stop_all() {
  local folder
  for folder in "$state"/node*; do
    [ -d "$folder" ] && pull "${folder##*/node}"
  done
  return 0
}

lab_down() {
  case ${1:-}${2:+ $2} in '' | --wipe | '--wipe --keep-downloads') ;; *) die "down: unknown arguments '$*' (known: --wipe, --wipe --keep-downloads)" ;; esac
  [ -d "$state" ] || [ -e "/run/netns/$netns" ] || [ "${1:-}" = --wipe ] || return 0
  locked
  if [ "${1:-}" != --wipe ] && [ -e "$state/settings" ]; then
    # what the nodes have written but not yet synced is kept for the next up
    settings
    local i
    for ((i = 1; i <= NODES; i++)); do
      if alive "$i"; then (lab_run "$i" timeout 10 sync </dev/null >/dev/null 2>&1) & fi
    done
    wait
  fi
  stop_all
  [ "${1:-}" = --wipe ] || return 0
  network_down
  rm -rf "$state" "$lab_dir/labs/$lab_name.lock"
  [ -n "${2:-}" ] || wipe_shared
}

# what all labs share goes with the last of them
wipe_shared() {
  [ -z "$(ls "$lab_dir/labs" 2>/dev/null)" ] || return 0
  [ ! -e "$cache/max_map_count" ] || cat "$cache/max_map_count" >/proc/sys/vm/max_map_count
  rm -rf "$lab_dir"
}
