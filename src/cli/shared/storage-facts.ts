/** What disk templates are like, from the storage drivers' descriptions. Loaded by commands that need it. */
import { storageTemplates } from '../../storage/catalog.ts';

/** Templates whose disks live in a volume group. */
export function inVolumeGroup(): string[] {
  return storageTemplates.filter(({ volumeGroup }) => volumeGroup).map(({ name }) => name);
}

export function usesVolumeGroup(templates: readonly string[]): boolean {
  const names = inVolumeGroup();
  return templates.some((template) => names.includes(template));
}

/** Whether one of the templates mirrors disks between two nodes. */
export function mirrors(templates: readonly string[]): boolean {
  return storageTemplates.some(({ name, mirrored }) => mirrored === 'internal' && templates.includes(name));
}

export function fileBased(): string[] {
  return storageTemplates.filter(({ fileBased: isFile }) => isFile).map(({ name }) => name);
}

/** Copies between two nodes, so that its state says how far the copies agree. */
export function isMirror(template: string): boolean {
  return storageTemplates.some(({ name, mirrored }) => name === template && mirrored === 'internal');
}

/** A volume of a volume group by itself: its id is group and name. */
export function isPlainVolume(template: string): boolean {
  return inVolumeGroup().includes(template) && !isMirror(template);
}

/** Has no disks at all. */
export function isEmpty(template: string | null): boolean {
  return storageTemplates.some(({ name, empty }) => name === template && empty === true);
}
