/** OS definitions as the nodes have them. */
import { compareNicely } from '../../kit/nice-sort.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import { type OsOnNode, osDiagnose } from '../../noderpc/calls/os.ts';
import { valued } from '../cell.ts';
import { described, type FieldKind, type StaticField, type View } from '../field.ts';
import { common, type Found, findOnNodes } from '../live/definitions.ts';
import { resource } from '../resource.ts';

type Os = Found<OsOnNode>;
type OsField = StaticField<Os>;

/** What each node uses: the first it found. */
const used = ({ onNodes }: Os) => Array.from(onNodes.values(), ([first]) => first);

/** Every node that answered has it, and has it right. */
function isValid(os: Os): boolean {
  return used(os).every((definition) => definition?.valid === true);
}

/** What holds on every node; nothing of an OS that isn't valid. */
function shared<T>(os: Os, get: (definition: OsOnNode) => readonly T[], same: (a: T, b: T) => boolean): T[] {
  return isValid(os)
    ? common(
        used(os).flatMap((definition) => (definition ? [get(definition)] : [])),
        same,
      )
    : [];
}

const identical = <T>(a: T, b: T) => a === b;
const variantsOf = (os: Os) => shared(os, ({ variants }) => variants, identical).sort(compareNicely);
const parametersOf = (os: Os) =>
  shared(
    os,
    ({ parameters }) => parameters,
    (a, b) => a[0] === b[0] && a[1] === b[1],
  ).sort((a, b) => compareNicely(a[0], b[0]));

/** Of values by OS and variant, those of this OS's variants. */
function ofVariants<T>(os: Os, values: Readonly<Record<string, T>>): Record<string, T> {
  const names = variantsOf(os).map((variant) => `${os.name}+${variant}`);
  return Object.fromEntries(names.flatMap((name) => (name in values ? [[name, values[name]!]] : [])));
}

/** By node: path, valid, why not, variants, parameters, API versions, trusted; the first one is used. */
function statusOf({ onNodes }: Os): Record<string, unknown[][]> {
  return Object.fromEntries(
    Array.from(onNodes, ([node, found]) => [
      node,
      found.map((os) => [
        os.path,
        os.valid,
        os.diagnose,
        os.variants,
        os.parameters,
        os.apiVersions,
        os.trusted,
      ]),
    ]),
  );
}

function field(
  name: string,
  title: string,
  kind: FieldKind,
  doc: string,
  get: (os: Os, cluster: Cluster) => unknown,
): OsField {
  const read = (os: Os, { configuration }: View) => valued(get(os, configuration.cluster));
  return { ...described(name, title, kind, doc), read };
}

const fields: OsField[] = [
  field('name', 'Name', 'text', 'Name of the OS definition', (os) => os.name),
  field('valid', 'Valid', 'bool', 'Whether every node has it right', isValid),
  field('hidden', 'Hidden', 'bool', 'Whether it is left out of lists', (os, { hidden_os }) =>
    hidden_os.includes(os.name),
  ),
  field(
    'blacklisted',
    'Blacklisted',
    'bool',
    'Whether new instances may not use it',
    (os, { blacklisted_os }) => blacklisted_os.includes(os.name),
  ),
  field('variants', 'Variants', 'other', 'Variants that every node has', variantsOf),
  field('api_versions', 'ApiVersions', 'other', 'API versions that every node has', (os) =>
    shared(os, ({ apiVersions }) => apiVersions, identical).sort((a, b) => a - b),
  ),
  field(
    'parameters',
    'Parameters',
    'other',
    'Parameters that every node has, with their descriptions',
    parametersOf,
  ),
  field('node_status', 'NodeStatus', 'other', 'What each node has', statusOf),
  field('os_hvp', 'OsHypervisorParams', 'other', 'Hypervisor parameters by variant', (os, { os_hvp }) =>
    ofVariants(os, os_hvp),
  ),
  field('osparams', 'OsParameters', 'other', 'OS parameters by variant', (os, { osparams }) =>
    ofVariants(os, osparams),
  ),
  field('trusted', 'Trusted', 'bool', 'Whether its scripts run on the node itself', (os) =>
    used(os).every((definition) => definition?.trusted ?? true),
  ),
];

export const operatingSystems = resource<Os, undefined>({
  name: 'os',
  nameField: 'name',
  uuidField: 'name',
  fields,
  items: (context) => findOnNodes(context, osDiagnose),
});
