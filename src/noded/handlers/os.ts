/** Node calls about operating systems: what definitions there are, and running their scripts. */
import { rm } from 'node:fs/promises';
import {
  definitionOf,
  diagnoseDefinitions,
  type FoundDefinition,
  lookUpDefinition,
  type OsDefinition,
  splitVariant,
} from '../../guests/definitions.ts';
import {
  type Environment,
  instanceEnvironment,
  type ScriptDisk,
  type ScriptInstance,
} from '../../guests/environment.ts';
import { makePackage } from '../../guests/package.ts';
import { logFileName, runScript } from '../../guests/run.ts';
import { validateOs } from '../../guests/validate.ts';
import { packageFile, packageFolder } from '../../metadata/client/control.ts';
import { networkAbout } from '../../networks/catalog.ts';
import { instanceOsAdd, instanceRunRename } from '../../noderpc/calls/instance.ts';
import {
  type OsOnNode,
  osDiagnose,
  osPackageMake,
  osPackageRemove,
  osValidate,
} from '../../noderpc/calls/os.ts';
import type { DiskOnNode, InstanceOnNode } from '../../noderpc/calls/shapes.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { HiddenParameters } from '../metadata.ts';
import { activeDisk, type InstanceContext } from './instance.ts';

function reportOf(found: FoundDefinition): OsOnNode {
  if (!found.valid) {
    return {
      name: found.name,
      path: found.path,
      valid: false,
      diagnose: found.fault,
      variants: [],
      parameters: [],
      apiVersions: [],
      trusted: true,
    };
  }
  const { definition } = found;
  return {
    name: definition.name,
    path: definition.path,
    valid: true,
    diagnose: '',
    variants: [...definition.variants],
    parameters: definition.parameters.map(([name, text]) => [name, text]),
    apiVersions: [...definition.apiVersions],
    trusted: definition.scripts.create_untrusted === null,
  };
}

/** One disk as scripts are told of it; it must be active. */
export async function scriptDisk(context: InstanceContext, request: DiskOnNode): Promise<ScriptDisk> {
  const { disk } = request;
  const { about } = await context.storage.driver(disk.dev_type);
  const { path, uri } = await activeDisk(context, request);
  const attached = disk.logical_id?.[0];
  return {
    uuid: disk.uuid,
    name: disk.name ?? null,
    size: disk.size,
    mode: disk.mode,
    path,
    uri,
    backend: about.fileBased ? `file:${String(attached)}` : about.empty ? null : 'block',
  };
}

/** The instance as scripts are told of it; its disks must be active. */
export async function scriptInstance(
  context: InstanceContext,
  instance: InstanceOnNode,
  secretParameters: Readonly<Record<string, string>> = {},
): Promise<ScriptInstance> {
  const disks: ScriptDisk[] = [];
  for (const request of instance.disks) disks.push(await scriptDisk(context, request));
  const { name, uuid, os, hypervisor, hvparams, beparams, primaryNode, secondaryNodes } = instance;
  return {
    ...{ name, uuid, os, hypervisor, hvparams, beparams, primaryNode, secondaryNodes, disks },
    osparams: { ...instance.osparams, ...secretParameters },
    ctime: instance.ctime ?? 0,
    mtime: instance.mtime ?? 0,
    nics: instance.nics.map((nic) => ({ ...nic, isBridge: networkAbout(nic.mode).linkIsBridge })),
  };
}

interface ScriptWish {
  readonly script: 'create' | 'rename';
  readonly logKind: string;
  readonly logInstance: string;
  readonly definition: OsDefinition;
  readonly environment: Environment;
  readonly os: string;
}

async function run(context: InstanceContext, wish: ScriptWish, signal: AbortSignal): Promise<null> {
  const { paths, log } = context;
  const logFile = logFileName(paths.osLogDir, wish.logKind, wish.os, wish.logInstance, new Date());
  log.info(`Running OS ${wish.script} script for '${wish.logInstance}', log file ${logFile}`);
  const { definition, script, environment } = wish;
  await runScript({ definition, script, environment, logFile, logFolder: paths.osLogDir, signal });
  return null;
}

function hiddenOf(
  parameters: Readonly<Record<string, string>>,
  secretNames: readonly string[],
): HiddenParameters {
  const those = (secret: boolean) =>
    Object.fromEntries(Object.entries(parameters).filter(([name]) => secretNames.includes(name) === secret));
  return { private: those(false), secret: those(true) };
}

const packageParameter = 'os-install-package';

/** What helper virtual machines install from. Secret parameters reach them through the metadata service alone. */
function packageHandlers(context: InstanceContext): NodeHandler[] {
  const { paths } = context;
  return [
    answers(osPackageMake, async ({ instance, secretParameters, secretNames, ...wish }) => {
      const hidden = hiddenOf(secretParameters, secretNames);
      const given = instance.osparams[packageParameter];
      const file = given ?? packageFile(paths, instance.uuid);
      if (given === undefined) {
        const definition = await definitionOf(paths.osSearchPath, instance.os);
        const told = await scriptInstance(context, instance, hidden.private);
        const environment = {
          ...instanceEnvironment(definition, told, wish.debug),
          ...(wish.reinstall ? { INSTANCE_REINSTALL: '1' } : {}),
          ...wish.environment,
        };
        await makePackage(file, packageFolder(paths), { definition, environment });
      }
      await context.metadata?.tell(instance, hidden);
      return file;
    }),
    answers(osPackageRemove, async ({ uuid }) => {
      await rm(packageFile(paths, uuid), { force: true });
      return null;
    }),
  ];
}

/** Handlers of the calls that have to do with OS definitions. */
export function osHandlers(context: InstanceContext): NodeHandler[] {
  const { osSearchPath } = context.paths;
  return [
    answers(osDiagnose, async () => (await diagnoseDefinitions(osSearchPath)).map(reportOf)),
    answers(osValidate, async ({ name, checks, osparams, required, forceVariant }) => {
      const found = await validateOs(osSearchPath, { os: name, checks, osparams, required, forceVariant });
      const definition = await lookUpDefinition(osSearchPath, splitVariant(name).name);
      return {
        found,
        untrusted: definition.valid && definition.definition.scripts.create_untrusted !== null,
      };
    }),
    answers(instanceOsAdd, async (request, { signal }) => {
      const { instance, reinstall, debug, secretParameters, secretNames } = request;
      const definition = await definitionOf(osSearchPath, instance.os);
      const told = await scriptInstance(context, instance, secretParameters);
      const common = instanceEnvironment(definition, told, debug);
      const environment = reinstall ? { ...common, INSTANCE_REINSTALL: '1' } : common;
      const { os, name } = instance;
      const wish = {
        script: 'create',
        logKind: 'add',
        logInstance: name,
        definition,
        environment,
        os,
      } as const;
      await run(context, wish, signal);
      await context.metadata?.tell(instance, hiddenOf(secretParameters, secretNames));
      return null;
    }),
    ...packageHandlers(context),
    answers(instanceRunRename, async ({ instance, oldName, debug }, { signal }) => {
      const definition = await definitionOf(osSearchPath, instance.os);
      const common = instanceEnvironment(definition, await scriptInstance(context, instance), debug);
      const environment = { ...common, OLD_INSTANCE_NAME: oldName };
      const logInstance = `${oldName}-${instance.name}`;
      const { os } = instance;
      return run(
        context,
        { script: 'rename', logKind: 'rename', logInstance, definition, environment, os },
        signal,
      );
    }),
  ];
}
