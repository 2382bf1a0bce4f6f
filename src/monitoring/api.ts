/**
 * The paths of the monitoring daemon (doc/monitoring-query-format): which answer each has. Reports that stay the same
 * for everybody who asks at once are made once.
 */
import type { Collector } from '../model/collectors.ts';
import { collectors } from '../model/collectors.ts';
import type { Report } from './collectors/collector.ts';
import type { CollectorSettings } from './settings.ts';

const apiVersions = [1];

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface ApiParts {
  readonly settings: () => CollectorSettings;
  readonly report: (name: string) => Promise<Report>;
  /** @param accept the header of the request, if it has one */
  readonly metrics: (accept: string | undefined) => Promise<Answer>;
}

const json = (value: unknown): Answer => ({
  status: 200,
  type: 'application/json',
  body: JSON.stringify(value),
});
const notFound = (body: string): Answer => ({ status: 404, type: 'text/plain; charset=utf-8', body });
const noResource = notFound('Resource not found');
const noReport = notFound('Unable to produce a report for the requested resource');

/** How a collector without a category is found and listed. */
const categoryOf = ({ category }: Collector) => category ?? 'default';

export interface ApiRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly accept?: string | undefined;
}

/** One that is being made is everybody's. */
function shared(make: (name: string) => Promise<Report>): (name: string) => Promise<Report> {
  const running = new Map<string, Promise<Report>>();
  return (name) => {
    const begun = running.get(name);
    if (begun !== undefined) return begun;
    const report = make(name).finally(() => running.delete(name));
    running.set(name, report);
    return report;
  };
}

export function createApi(parts: ApiParts): (request: ApiRequest) => Promise<Answer> {
  const report = shared(parts.report);
  const active = () => collectors.filter(({ name }) => parts.settings().get(name)?.active === true);

  async function reports(words: readonly string[]): Promise<Answer> {
    if (words.length === 1 && words[0] === 'all') {
      return json(await Promise.all(active().map(({ name }) => report(name))));
    }
    const [category, name, ...more] = words;
    const wanted = active().find((each) => each.name === name && categoryOf(each) === category);
    return wanted === undefined || more.length > 0 ? noReport : json(await report(wanted.name));
  }

  return async ({ method, url, accept }) => {
    if (method !== 'GET' && method !== 'HEAD') return noResource;
    const path = url.split('?', 1)[0] ?? '/';
    const [version, kind, ...rest] = path.split('/').filter((word) => word !== '');
    if (version === undefined) return json(apiVersions);
    if (version === 'metrics' && kind === undefined) return await parts.metrics(accept);
    if (version !== '1') return noResource;
    if (kind === undefined) return json(null);
    if (kind === 'report') return await reports(rest);
    if (kind !== 'list' || rest.join('/') !== 'collectors') return noResource;
    return json(active().map((each) => [each.name, categoryOf(each), each.kind === 'performance' ? 0 : 1]));
  };
}
