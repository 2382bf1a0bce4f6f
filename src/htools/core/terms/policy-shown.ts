/** Policies in the notation of the tools' verbose output. */
import { decimal } from './format.ts';
import type { InstanceSpec, Policy } from './policy.ts';
import { diskTemplateLabels } from './vocabulary.ts';

function specShown(spec: InstanceSpec): string {
  return (
    `ISpec {iSpecMemorySize = ${spec.memory}, iSpecCpuCount = ${spec.cpus}, ` +
    `iSpecDiskSize = ${spec.diskSize}, iSpecDiskCount = ${spec.diskCount}, ` +
    `iSpecNicCount = ${spec.nicCount}, iSpecSpindleUse = ${spec.spindles}}`
  );
}

export function policyShown(policy: Policy): string {
  const ranges = policy.ranges.map(
    ({ min, max }) =>
      `MinMaxISpecs {minMaxISpecsMinSpec = ${specShown(min)}, minMaxISpecsMaxSpec = ${specShown(max)}}`,
  );
  const templates = policy.diskTemplates.map((template) => diskTemplateLabels[template]);
  return (
    `IPolicy {iPolicyMinMaxISpecs = [${ranges.join(',')}], iPolicyStdSpec = ${specShown(policy.standard)}, ` +
    `iPolicyDiskTemplates = [${templates.join(',')}], iPolicyVcpuRatio = ${decimal(policy.cpuRatio)}, ` +
    `iPolicySpindleRatio = ${decimal(policy.spindleRatio)}}`
  );
}
