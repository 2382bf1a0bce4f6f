/** Times as Ganeti prints them, in the local time zone. */

/** Seconds and microseconds, as jobs carry them. */
export type Timestamp = readonly [number, number];

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number) => String(value).padStart(2, '0');
const clock = (date: Date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;

export function isTimestamp(value: unknown): value is Timestamp {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number');
}

/** "Fri Nov  6 17:29:30 2026" (C's ctime) from seconds since the epoch. */
export function formatCtime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = String(date.getDate()).padStart(2);
  return `${days[date.getDay()]} ${months[date.getMonth()]} ${day} ${clock(date)} ${date.getFullYear()}`;
}

/** "2026-11-20 17:29:30" from seconds since the epoch; "N/A" for anything else (utils.FormatTime). */
export function formatTime(value: unknown, microseconds?: number): string {
  if (typeof value !== 'number') return 'N/A';
  const date = new Date(value * 1000);
  const text = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(date)}`;
  return microseconds === undefined ? text : `${text}.${String(microseconds).padStart(6, '0')}`;
}

/** With microseconds; "?" for what is no timestamp (cli.FormatTimestamp). */
export function formatTimestamp(value: unknown): string {
  return isTimestamp(value) ? formatTime(value[0], value[1]) : '?';
}
