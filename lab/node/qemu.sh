# QEMU for the guests on the nodes.  Without hardware support Debian 12's QEMU 7.2 loses
# writes of a guest that is being migrated live (the guest dies on its new node one time
# in three); 10.0 from the release's backports does not.  It is unpacked under $cache and
# stands at /usr/bin/kvm on nodes; where it can't be had, the machine's own serves, and
# live migration is a matter of luck.  Sourced by lab/uml.

fetch_qemu() {
  local release lists=$cache/qemu-lists
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  : >"$cache/qemu.log"
  if qemu_is_new qemu-system-x86_64 || [ -z "$release" ]; then
    mkdir -p "$cache/qemu"
    return
  fi
  say "fetching a newer QEMU for the guests ($release-backports)"
  mkdir -p "$lists/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $release-backports main" >"$cache/qemu.list"
  local apt=(-o "Dir::Etc::sourcelist=$cache/qemu.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$lists" -o APT::Sandbox::User=root)
  rm -rf "$cache/qemu.new"
  if apt-get -qq "${apt[@]}" update >>"$cache/qemu.log" 2>&1 &&
    download "$cache/qemu.new" "${apt[@]}" download qemu-system-x86 qemu-system-common qemu-system-data seabios 2>>"$cache/qemu.log" &&
    qemu_is_new "$cache/qemu.new/usr/bin/qemu-system-x86_64"; then
    mv "$cache/qemu.new" "$cache/qemu"
  else
    say "the newer QEMU could not be fetched (see $cache/qemu.log): live migrations may lose a guest"
    rm -rf "$cache/qemu.new"
    mkdir -p "$cache/qemu"
  fi
}

# qemu_is_new PROGRAM: is it 8.2 or later, and does it start here?
qemu_is_new() {
  local version
  version=$("$1" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
  [ -n "$version" ] || return 1
  set -- $version
  [ "$1" -gt 8 ] || { [ "$1" = 8 ] && [ "$2" -ge 2 ]; }
}
