/** What an instance allocator can be asked. Sizes and memory are MiB; nodes and groups have their names. */

export interface NewDisk {
  readonly size: number;
  readonly mode: 'rw' | 'ro';
  readonly spindles?: number | undefined;
  readonly vg?: string | undefined;
}

export interface NewNic {
  readonly mac?: string | null | undefined;
  readonly ip?: string | null | undefined;
  readonly mode?: string | undefined;
  readonly link?: string | undefined;
  readonly network?: string | null | undefined;
}

export interface NewInstance {
  readonly name: string;
  readonly template: string;
  readonly tags: readonly string[];
  readonly os: string;
  readonly vcpus: number;
  readonly memory: number;
  readonly spindleUse: number;
  readonly disks: readonly NewDisk[];
  readonly nics: readonly NewNic[];
  readonly hypervisor: string;
  /** How many nodes hold it. */
  readonly nodeCount: number;
  /** The only group that will do. */
  readonly group: string | null;
}

export const evacuationModes = ['primary-only', 'secondary-only', 'all'] as const;
export type EvacuationMode = (typeof evacuationModes)[number];

export type Wish =
  | {
      readonly kind: 'allocate';
      readonly instance: NewInstance;
      readonly onlyNodes: readonly string[] | null;
    }
  | { readonly kind: 'multi-allocate'; readonly instances: readonly NewInstance[] }
  | { readonly kind: 'allocate-secondary'; readonly name: string }
  | {
      readonly kind: 'relocate';
      readonly name: string;
      readonly diskSpace: number;
      readonly from: readonly string[];
    }
  | { readonly kind: 'node-evacuate'; readonly instances: readonly string[]; readonly mode: EvacuationMode }
  | {
      readonly kind: 'change-group';
      readonly instances: readonly string[];
      /** Uuids. */
      readonly groups: readonly string[];
    };

/** A wish of one kind. */
export type WishOf<K extends Wish['kind']> = Extract<Wish, { readonly kind: K }>;
