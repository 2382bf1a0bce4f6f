/** What a job says of a helper virtual machine that does its work, line by line as Ganeti does. */
import { nodeName } from './cluster.ts';

/**
 * @param doing what stands before each line
 * @param image what the helper runs from
 * @param instance the name of the one whose disks it works on, on the first node
 */
export function helperWords(doing: string, image: string, instance: string): string[] {
  return [
    `${doing}: Attempting to create temporary disk`,
    `${doing}: Temporary disk created`,
    `${doing}: Activating helper VM's temporary disks`,
    `${doing}: Imaging temporary disks with image ${image}`,
    ` - INFO: Imaging disk '0' for instance '${instance}' on node '${nodeName(1)}'`,
    `${doing}: Starting helper VM`,
    `${doing}: Helper VM is up`,
    `${doing}: Waiting for helper VM to finish`,
    `${doing}: Regular cleanup of temporary disk`,
    `${doing}: Shutting down instance`,
    `${doing}: Temporary disk removed`,
    `${doing}: Helper VM execution completed`,
  ];
}
