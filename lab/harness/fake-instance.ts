/** The request for a small instance with a fake guest on a virtual node. */
export const fakeInstance = (name: string, template: 'file' | 'sharedfile', node = 'node2') => ({
  OP_ID: 'OP_INSTANCE_CREATE',
  instance_name: name,
  mode: 'create',
  disk_template: template,
  os_type: 'noop',
  disks: [{ size: 4 }],
  nics: [],
  pnode: `${node}.virtual.example`,
  hypervisor: 'fake',
  beparams: { memory: 16 },
  name_check: false,
  ip_check: false,
});
