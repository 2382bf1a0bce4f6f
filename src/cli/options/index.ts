/**
 * Every option that more than one command may use, by the name it has on the command line. Commands say
 * `import * as o` and list `o.force`, `o.priority`…
 */
export * from './backup.ts';
export * from './cluster.ts';
export * from './common.ts';
export * from './debug.ts';
export * from './filter.ts';
export * from './group.ts';
export * from './instance.ts';
export * from './job.ts';
export * from './network.ts';
export * from './node.ts';
export * from './os.ts';
export * from './output.ts';
export * from './policy.ts';
