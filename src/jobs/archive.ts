/** Where archived jobs lie, and which jobs auto-archiving takes (pure). */
import { join } from 'node:path';
import { isFinal, type Job, secondsOf, statusOf } from './job.ts';

/** Job files a folder of the archive (constants.JSTORE_JOBS_PER_ARCHIVE_DIRECTORY). */
const jobsPerDirectory = 10000;

/** "job-17" */
export function jobFileName(id: number): string {
  return `job-${id}`;
}

/** The id in a job file's name; undefined for any other file. */
export function idOfJobFile(name: string): number | undefined {
  const match = /^job-(\d+)$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function archivePath(archiveDir: string, id: number): string {
  return join(archiveDir, String(Math.floor(id / jobsPerDirectory)), jobFileName(id));
}

/**
 * Whether a job has been finished for longer than `age` seconds; a negative age takes every finished
 * job (`gnt-job autoarchive all`).
 */
export function isExpired(job: Job, age: number, now: number): boolean {
  if (!isFinal(statusOf(job))) return false;
  const ended = job.end_timestamp ?? job.start_timestamp ?? job.received_timestamp;
  return age < 0 || ended === null || secondsOf(ended) < now - age;
}
