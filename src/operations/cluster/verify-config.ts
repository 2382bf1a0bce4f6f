/** OP_CLUSTER_VERIFY_CONFIG: the configuration agrees with itself, certificates are good, nothing dangles. */

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { verifyConfiguration } from '../../config/rules.ts';
import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { messageOf } from '../../kit/failure.ts';
import type { Paths } from '../../kit/paths.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { findFault } from '../../model/params/family.ts';
import { filledHypervisor, hypervisorDefaults } from '../../model/params/fill.ts';
import { ClusterVerifyConfig } from '../../opcodes/cluster.ts';
import { operation, type PlanContext } from '../operation.ts';
import { simulated, VerifyReport } from './verify-report.ts';

/** Days before its end at which a certificate is an error, and a warning (constants.SSL_CERT_EXPIRATION_*). */
const errorDays = 7;
const warnDays = 30;
const daySeconds = 86400;

async function verifyCertificates(report: VerifyReport, paths: Paths, now: number): Promise<void> {
  for (const path of [
    paths.serverCertificate,
    paths.rapiCertificate,
    paths.spiceCertificate,
    paths.spiceCaCertificate,
  ]) {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(await readFile(path));
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      report.error(
        'ECLUSTERCERT',
        null,
        missing ? `${path}: file is missing` : `Failed to load X509 certificate ${path}: ${messageOf(error)}`,
      );
      continue;
    }
    const left = (Date.parse(certificate.validTo) / 1000 - now) / daySeconds;
    if (left < 0)
      report.error(
        'ECLUSTERCERT',
        null,
        `While verifying ${path}: Certificate is expired (valid to ${certificate.validTo})`,
      );
    else if (left < errorDays)
      report.error(
        'ECLUSTERCERT',
        null,
        `While verifying ${path}: Certificate expires in about ${Math.floor(left)} days`,
      );
    else if (left < warnDays)
      report.warning(
        'ECLUSTERCERT',
        null,
        `While verifying ${path}: Certificate expires in about ${Math.floor(left)} days`,
      );
  }
}

function verifyHypervisors(report: VerifyReport, configuration: Configuration): void {
  const { cluster } = configuration;
  const check = (hypervisor: string, source: string, values: ReturnType<typeof filledHypervisor>) => {
    const about = hypervisorAbout(hypervisor);
    const fault = findFault(about.params, values) ?? about.crossCheck?.(values);
    if (fault !== undefined)
      report.error(
        'ECLUSTERCFG',
        null,
        `hypervisor ${hypervisor} parameters syntax check (source ${source}): ${fault}`,
      );
  };
  for (const hypervisor of cluster.enabled_hypervisors) {
    check(hypervisor, 'cluster', hypervisorDefaults(cluster, hypervisor));
    for (const [os, overrides] of Object.entries(cluster.os_hvp)) {
      if (hypervisor in overrides) check(hypervisor, `os ${os}`, hypervisorDefaults(cluster, hypervisor, os));
    }
  }
  for (const instance of configuration.instances)
    check(instance.hypervisor, `instance ${instance.name}`, filledHypervisor(cluster, instance));
}

function verifyDangling(report: VerifyReport, configuration: Configuration): void {
  const lost = configuration.nodes.filter((node) => !configuration.nodegroups.has(node.group));
  if (lost.length > 0) {
    report.error(
      'ECLUSTERDANGLINGNODES',
      null,
      `the following nodes (and their instances) belong to a non existing group: ${lost.map((node) => node.name).join(', ')}`,
    );
  }
  const orphans = configuration.instances.filter(
    (instance) => !instance.forthcoming && !configuration.nodes.has(instance.primary_node),
  );
  if (orphans.length > 0) {
    report.error(
      'ECLUSTERDANGLINGINST',
      null,
      `the following instances have a non-existing primary-node: ${orphans.map((each) => each.name).join(', ')}`,
    );
  }
}

/** What jobs could not take back: tried again by itself, or for an administrator to look at. Said only if there is any. */
function verifyStranded(report: VerifyReport, context: PlanContext): void {
  const stranded = context.master?.stranded() ?? [];
  if (stranded.length === 0) return;
  report.section('Verifying that ended jobs have left nothing behind');
  for (const { job, op, number, step, nodes, error, retried } of stranded) {
    const where = nodes.map((uuid) => context.configuration.nodes.get(uuid)?.name ?? uuid).join(', ');
    const what = `step ${step} of job ${job}${where === '' ? '' : ` on ${where}`} could not be undone: ${error}`;
    if (retried) report.warning('ECLUSTERCFG', null, `${what}; it is tried again by itself`);
    else
      report.error(
        'ECLUSTERCFG',
        null,
        `${what}; see what it has left, then forget it as ${job}:${op}:${number}`,
      );
  }
}

/** Codes that are about the whole cluster. */
const configurationCodes = [
  'ECLUSTERCERT',
  'ECLUSTERCFG',
  'ECLUSTERDANGLINGINST',
  'ECLUSTERDANGLINGNODES',
] as const;

/** Everything is held, shared: what is verified is one state. */
export const sharedEverything: readonly LockRequest[] = (
  ['instance', 'nodegroup', 'node', 'network'] as const
).map((level) => ({
  level,
  name: 'all',
  mode: 'shared',
}));

export const clusterVerifyConfig = operation({
  opcode: ClusterVerifyConfig,
  steps: [],
  locks: () => sharedEverything,
  plan: async (op, context): Promise<boolean> => {
    const { configuration } = context;
    const report = new VerifyReport({
      errorCodes: op.error_codes,
      ignored: op.ignore_errors,
      verbose: op.verbose,
      say: (text) => context.say(text),
    });
    report.section('Verifying cluster config');
    for (const fault of verifyConfiguration(configuration)) report.error('ECLUSTERCFG', null, fault);
    report.section('Verifying cluster certificate files');
    await verifyCertificates(report, context.paths, context.now());
    report.section('Verifying hypervisor parameters');
    verifyHypervisors(report, configuration);
    report.section('Verifying all nodes belong to an existing group');
    verifyDangling(report, configuration);
    verifyStranded(report, context);
    if (op.debug_simulate_errors) simulated(report, configurationCodes);
    return !report.bad;
  },
  run: async (good) => good,
});
