# The kernels: user-mode Linux for the nodes, a Debian cloud kernel for the guests on
# them.  All of it is unpacked under $cache, nothing is installed.  Sourced by lab/uml.
#
# Two user-mode-Linux kernels are known; a trial boot decides.
#   newest  Debian unstable's, from 6.16 on with seccomp=on: a node's system calls and
#           page faults cost a third to a tenth of what ptrace costs, no FPU shim.
#           Its C library is fetched with it, for this machine's may be too old.
#   stock   this Debian release's own, under ptrace; with xstate-shim.so where the CPU's
#           FPU state is larger than the kernel reserves.
# Either must carry DRBD 8.4, whose tools and wire protocol the project speaks.

# kernels_ready: sets uml_binary, uml_modules, uml_options, uml_preload
kernels_ready() {
  mkdir -p "$cache"
  (
    flock 9
    packages_ready
    guest_ready || fetch_guest
    [ -d "$cache/noop" ] || fetch_noop
    [ -d "$cache/qemu" ] || fetch_qemu
    [ -e "$cache/uml-${GANTRY_LAB_UML:-newest}.conf" ] || fetch_uml
  ) 9>"$cache/lock"
  . "$cache/uml-${GANTRY_LAB_UML:-newest}.conf"
}

# download DIRECTORY APT-OPTION… PACKAGE…: unpacks packages into a directory
download() {
  local into=$1 work
  shift
  work=$(mktemp -d "$cache/download.XXXXXX")
  # the files are fetched as root: apt's own user cannot write here
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root "$@" >"$cache/apt.log" 2>&1) || {
    tail -n 5 "$cache/apt.log" >&2
    rm -rf "$work"
    return 1
  }
  mkdir -p "$into"
  local package
  for package in "$work"/*.deb; do dpkg -x "$package" "$into"; done
  rm -rf "$work"
}

# guest_ready: the memory disk is there and not older than what it is made of
guest_ready() {
  local made=$cache/guest/initrd.gz
  [ -e "$made" ] && [ "$made" -nt "$here/os/busybox/guest/system" ] && [ "$made" -nt "$here/os/busybox/guest/init" ] && [ "$made" -nt "$here/os/make-guest" ]
}

# guest_kernel: the package that holds the newest cloud kernel, nothing when apt knows none
guest_kernel() {
  { apt-cache depends linux-image-cloud-amd64 2>/dev/null || true; } |
    awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ && !found++ {print $2}'
}

fetch_guest() {
  local package
  if [ ! -d "$cache/guest-kernel/boot" ]; then
    package=$(guest_kernel)
    if [ -z "$package" ]; then
      apt-get update -qq >"$cache/apt.log" 2>&1 || true
      package=$(guest_kernel)
    fi
    [ -n "$package" ] || die "Debian's cloud kernel for the guests is in no package list of this machine"
    say "fetching the guests' kernel: $package"
    rm -rf "$cache/guest-kernel.new"
    download "$cache/guest-kernel.new" download "$package" || die "$package could not be fetched"
    mv "$cache/guest-kernel.new" "$cache/guest-kernel"
  fi
  "$here/os/make-guest" "$cache/guest-kernel" "$cache/guest" >"$cache/guest.log" 2>&1 || {
    cat "$cache/guest.log" >&2
    die "the guests' memory disk could not be made"
  }
}

# Debian's ganeti-os-noop, unchanged: the OS definition that does nothing
fetch_noop() {
  say "fetching ganeti-os-noop"
  download "$cache/noop.new" download ganeti-os-noop || die "ganeti-os-noop could not be fetched"
  mv "$cache/noop.new" "$cache/noop"
}

fetch_uml() {
  local kind tried=""
  case ${GANTRY_LAB_UML:-newest} in
    newest) tried="newest stock" ;;
    stock) tried="stock" ;;
    *) die "GANTRY_LAB_UML=${GANTRY_LAB_UML}: newest or stock" ;;
  esac
  for kind in $tried; do
    say "fetching the nodes' kernel ($kind)"
    rm -rf "$cache/uml-$kind"
    : >"$cache/uml-$kind.log"
    if "fetch_uml_$kind" 2>>"$cache/uml-$kind.log" && uml_works "$kind"; then
      printf 'uml_binary=%q uml_modules=%q uml_options=%q uml_preload=%q\n' \
        "$uml_binary" "$uml_modules" "$uml_options" "$uml_preload" >"$cache/uml-${GANTRY_LAB_UML:-newest}.conf"
      return
    fi
    say "the $kind user-mode-Linux kernel does not serve on this machine: $(tail -n 1 "$cache/uml-$kind.log")"
  done
  die "no user-mode-Linux kernel works here; see $cache/uml-*.log"
}

fetch_uml_newest() {
  local tree=$cache/uml-newest apt=$cache/apt uri library
  uri=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "Debian" && !found++ {print $2}')
  mkdir -p "$apt/lists/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${uri:-http://deb.debian.org/debian} sid main" >"$apt/sources.list"
  local options=(-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$apt/lists"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none -o APT::Sandbox::User=root)
  apt-get -qq "${options[@]}" update >&2 || return 1
  download "$tree" "${options[@]}" download user-mode-linux libc6 || return 1
  rm -rf "$apt"
  uml_binary=$tree/usr/bin/linux.uml uml_options="seccomp=on" uml_preload=""
  library=$(find "$tree" -name 'ld-linux-x86-64.so.2' -type f | head -n 1)
  if ! ldd "$uml_binary" 2>&1 | grep -q 'not found'; then library=""; fi
  [ -z "$library" ] || patchelf --set-interpreter "$library" --set-rpath "$(dirname "$library")" "$uml_binary"
  link_modules "$tree"
}

fetch_uml_stock() {
  local tree=$cache/uml-stock
  download "$tree" download user-mode-linux || return 1
  uml_binary=$tree/usr/bin/linux.uml uml_options="" uml_preload=""
  link_modules "$tree"
  if uml_works stock; then return; fi
  command -v gcc >/dev/null && [ -e /usr/include/stdio.h ] || {
    say "installing Debian packages: gcc libc6-dev"
    install_packages gcc libc6-dev
  }
  gcc -O2 -shared -fPIC -o "$tree/xstate-shim.so" "$here/node/xstate-shim.c"
  uml_preload=$tree/xstate-shim.so
}

# link_modules TREE: a folder that modprobe -d takes, for one kernel release
link_modules() {
  local release
  release=$(ls "$1/usr/lib/uml/modules")
  mkdir -p "$1/modprobe/lib"
  ln -sfn "$1/usr/lib/uml/modules" "$1/modprobe/lib/modules"
  [ -e "$1/usr/lib/uml/modules/$release/modules.dep.bin" ] || depmod -b "$1/modprobe" "$release"
  uml_modules=$1/modprobe
}

# uml_works KIND: a trial boot that enters user space and loads overlayfs and DRBD 8.4
uml_works() {
  env TMPDIR=/dev/shm LD_PRELOAD="$uml_preload" timeout 60 "$uml_binary" $uml_options mem=128M uml_dir="$cache/umid" umid="trial-$$" \
    root=/dev/root rootfstype=hostfs hostfs=/ ro quiet con=null con0=null,fd:1 LAB_MODULES="$uml_modules" \
    init="$here/node/trial" </dev/null >>"$cache/uml-$1.log" 2>&1 || true
  grep -q '^lab trial: drbd 8\.4\.' "$cache/uml-$1.log"
}
