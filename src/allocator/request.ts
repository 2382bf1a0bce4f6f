/** The document that an allocator is asked with. */
import type { Configuration } from '../model/configuration.ts';
import { type ClusterFacts, groupData, instanceData, type Json, nodeData } from './cluster-data.ts';
import type { NewInstance, Wish } from './wish.ts';

/** constants.IALLOCATOR_VERSION. */
const protocolVersion = 2;

function newInstance(instance: NewInstance, facts: ClusterFacts): Json {
  const { template } = instance;
  const space = instance.disks.map(({ size }) => facts.spaceOf({ template, size }));
  return {
    name: instance.name,
    disk_template: template,
    group_name: instance.group,
    tags: [...instance.tags],
    os: instance.os,
    vcpus: instance.vcpus,
    memory: instance.memory,
    spindle_use: instance.spindleUse,
    disks: instance.disks.map((disk) => ({ ...disk, dev_type: template })),
    disk_space_total: space.reduce((sum, each) => sum + each, 0),
    nics: instance.nics.map((nic) => ({ ...nic })),
    required_nodes: instance.nodeCount,
    hypervisor: instance.hypervisor,
  };
}

function wishData(wish: Wish, facts: ClusterFacts): Json {
  switch (wish.kind) {
    case 'allocate':
      return {
        ...newInstance(wish.instance, facts),
        ...(wish.onlyNodes === null ? {} : { 'restrict-to-nodes': [...wish.onlyNodes] }),
      };
    case 'multi-allocate':
      return { instances: wish.instances.map((instance) => newInstance(instance, facts)) };
    case 'allocate-secondary':
      return { name: wish.name };
    case 'relocate':
      return {
        name: wish.name,
        disk_space_total: wish.diskSpace,
        required_nodes: 1,
        relocate_from: [...wish.from],
      };
    case 'node-evacuate':
      return { instances: [...wish.instances], evac_mode: wish.mode };
    case 'change-group':
      return { instances: [...wish.instances], target_groups: [...wish.groups] };
  }
}

export function requestDocument(configuration: Configuration, facts: ClusterFacts, wish: Wish): Json {
  const { cluster } = configuration;
  return {
    version: protocolVersion,
    cluster_name: cluster.cluster_name,
    cluster_tags: [...cluster.tags],
    enabled_hypervisors: [...cluster.enabled_hypervisors],
    ipolicy: cluster.ipolicy,
    ...(facts.volumeGroups === undefined ? {} : { volume_group_name: facts.volumeGroups.main }),
    nodegroups: groupData(configuration),
    nodes: nodeData(configuration, facts),
    instances: instanceData(configuration, facts),
    request: { ...wishData(wish, facts), type: wish.kind },
  };
}
