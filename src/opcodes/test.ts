/** Opcodes about tests of the cluster itself. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const TestAllocator = opcode({
  id: 'OP_TEST_ALLOCATOR',
  summary: 'iallocator',
  doc: 'Tries an allocator script.',
  params: {
    direction: required(t.oneOf('in', 'out'), 'Show the request, or run the script'),
    mode: required(v.allocatorMode, 'Kind of request'),
    name: required(t.nonEmptyString, 'Name of the instance'),
    nics: optional(t.maybe(t.listOf(v.nic)), null, 'Network interfaces'),
    disks: optional(t.maybe(t.listOf(t.anything)), null, 'Disks'),
    hypervisor: optional(t.maybe(v.hypervisor), null, 'Hypervisor'),
    iallocator: optional(v.maybeName, null, 'Allocator script to test'),
    tags: optional(v.names, [], 'Tags of the instance'),
    memory: optional(t.maybe(t.nonNegative), null, 'Memory in MiB'),
    vcpus: optional(t.maybe(t.nonNegative), null, 'Virtual processors'),
    os: optional(v.maybeName, null, 'Operating system'),
    disk_template: optional(t.maybe(v.diskTemplate), null, 'Disk template'),
    instances: optional(v.maybeNames, null, 'Instances that are to move'),
    evac_mode: optional(t.maybe(v.evacuationMode), null, 'Which instances of the nodes leave'),
    target_groups: optional(
      v.maybeNames,
      null,
      'Groups that may receive the instances; none means any other',
    ),
    spindle_use: optional(t.nonNegative, 1, 'Spindles that each instance is weighed as'),
    count: optional(t.nonNegative, 1, 'How many instances'),
    group_name: optional(v.maybeName, null, 'Group that allocation is limited to'),
  },
});

export const TestDelay = opcode({
  id: 'OP_TEST_DELAY',
  summary: 'duration',
  doc: 'Waits.',
  params: {
    duration: required(t.float, 'Seconds to wait'),
    on_master: optional(t.boolean, true, 'Wait on the master'),
    on_nodes: optional(v.names, [], 'Nodes to wait on'),
    on_node_uuids: optional(v.maybeNames, null, 'Their uuids, when the client knows them'),
    repeat: optional(t.nonNegative, 0, 'How many times more'),
    interruptible: optional(t.boolean, false, 'Can be ended through a socket'),
    no_locks: optional(t.boolean, true, 'Take no locks'),
  },
});

export const TestDummy = opcode({
  id: 'OP_TEST_DUMMY',
  doc: 'Does what it is told, for tests of clients.',
  params: {
    result: optional(t.anything, null, 'Result of the job'),
    messages: optional(t.anything, null, 'Messages to log'),
    fail: optional(t.anything, null, 'Fail at the end'),
    submit_jobs: optional(t.anything, null, 'Jobs to submit'),
  },
});

export const TestJqueue = opcode({
  id: 'OP_TEST_JQUEUE',
  doc: 'Does what tests of the job queue need.',
  params: {
    notify_waitlock: optional(t.boolean, false, 'Tell the test when it waits for locks'),
    notify_exec: optional(t.boolean, false, 'Tell the test when it begins'),
    log_messages: optional(t.listOf(t.string), [], 'Messages to log'),
    fail: optional(t.boolean, false, 'Fail at the end'),
  },
});

export const TestOsParams = opcode({
  id: 'OP_TEST_OS_PARAMS',
  doc: 'Takes secret OS parameters, to test that they stay so.',
  params: {
    osparams_secret: optional(
      t.maybe(v.secretParameters),
      null,
      'OS parameters that are neither shown nor stored',
    ),
  },
});
