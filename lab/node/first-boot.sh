# Once in the life of a node's disk: what makes a node of the view of this machine.
# Sourced by `system`.

first_boot() {
  own_identity
  own_folders
  names
  paths
  ssh_server
  drivers
  guests
  # the plug may be pulled at any time from now on
  sync
  : >/var/lib/lab-first-boot
}

own_identity() {
  echo "$name" >/etc/hostname
  cat "$folder/machine-id" >/etc/machine-id
}

# A cluster starts clean here, whatever this machine's own packages have left.
own_folders() {
  rm -rf /var/lib/ganeti /var/log/ganeti /etc/ganeti /var/cache/ganeti /srv/ganeti /etc/default/ganeti \
    /var/lib/drbd /etc/lvm/archive /etc/lvm/backup /etc/lvm/devices /etc/openvswitch/conf.db /root/.ssh
  mkdir -p /etc/ganeti /var/log/ganeti /var/lib/drbd /etc/lvm/archive /etc/lvm/backup
  mkdir -p -m 700 /var/lib/ganeti
  # where file-based disks may stand is the administrator's word, on each node
  mkdir -p -m 750 /srv/ganeti/file-storage /srv/ganeti/shared-file-storage
  printf '%s\n' /srv/ganeti/file-storage /srv/ganeti/shared-file-storage >/etc/ganeti/file-storage-paths
}

names() {
  {
    echo "127.0.0.1 localhost"
    echo "10.77.0.100 cluster.$domain cluster"
    i=0
    while [ $i -lt 40 ]; do
      i=$((i + 1))
      echo "10.77.0.$((10 + i)) node$i.$domain node$i"
    done
    address=110
    for instance in inst1 inst2 inst3 inst4 inst5 inst6 inst7 inst8 inst9 web1 web2 web3 db1 db2 db3 mail1 mail2 test1 test2 test3; do
      address=$((address + 1))
      echo "10.77.0.$address $instance.$domain $instance"
    done
  } >/etc/hosts
  sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
  : >/etc/resolv.conf
}

# The commands of the checkout come first, for login shells; sshd sets it for the rest.
paths() {
  echo "PATH=$checkout/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" >/etc/environment
  echo "export PATH=$checkout/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" >/etc/profile.d/lab.sh
  # this machine's own start-up files would change PATH again; bash reads .bashrc under sshd
  rm -f /root/.bash_profile /root/.bash_login /root/.profile
  echo "PS1='\\h:\\w# '" >/root/.bashrc
}

ssh_server() {
  mkdir -p -m 700 /root/.ssh
  cp "$state/ssh/id_ed25519" "$state/ssh/id_ed25519.pub" /root/.ssh/
  cp "$state/ssh/id_ed25519.pub" /root/.ssh/authorized_keys
  printf 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n' >/root/.ssh/config
  chmod 600 /root/.ssh/*
  rm -f /etc/ssh/ssh_host_*
  cp "$folder"/ssh/ssh_host_* /etc/ssh/
  chmod 600 /etc/ssh/ssh_host_*_key
  cat >/etc/ssh/sshd_config.lab <<END
HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_rsa_key
PermitRootLogin yes
UsePAM no
UseDNS no
MaxSessions 500
MaxStartups 200
Subsystem sftp internal-sftp
SetEnv PATH=$checkout/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
END
}

drivers() {
  mkdir -p /lib/modules
  ln -sfn "$modules/lib/modules/$release" "/lib/modules/$release"
  echo "options drbd minor_count=128 usermode_helper=/bin/true" >/etc/modprobe.d/lab.conf
  # LVM must not find its volumes a second time on top of DRBD
  mkdir -p /etc/lvm
  printf 'devices {\n  global_filter = [ "r|/dev/drbd.*|", "r|/dev/ubda|" ]\n}\n' >/etc/lvm/lvmlocal.conf
}

# Kernel and memory disk under the names that Ganeti's KVM expects, and OS definitions.
guests() {
  ln -sfn "$cache/guest/vmlinuz" /boot/vmlinuz-3-kvmU
  ln -sfn "$cache/guest/initrd.gz" /boot/initrd-3-kvmU
  rm -f /usr/bin/kvm
  sed "s|@cache@|$cache|" "$checkout/lab/node/kvm" >/usr/bin/kvm
  chmod 755 /usr/bin/kvm
  # it would try the modules of this machine's own QEMU too, and those of another build end it
  [ ! -d "$cache/qemu/usr" ] || rm -rf /usr/lib/*/qemu/*.so
  mkdir -p /srv/ganeti/os /usr/share/ganeti/os
  ln -sfn "$checkout/lab/os/busybox" /srv/ganeti/os/busybox
  rm -rf /usr/share/ganeti/os/noop
  ln -sfn "$cache/noop/usr/share/ganeti/os/noop" /usr/share/ganeti/os/noop
}
