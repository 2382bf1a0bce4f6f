/**
 * Reads every part of the figures and lays them out. Who asks while somebody else's answer is being made, or within a
 * second of it, gets the same one: many scrapers cost no more than one.
 */
import { messageOf } from '../../kit/failure.ts';
import type { Answer } from '../api.ts';
import { daemonSource } from './daemons.ts';
import { Metrics, openMetricsType, prometheusType, render, wantsOpenMetrics } from './exposition.ts';
import { instanceSource } from './instances.ts';
import { nodeSource } from './node.ts';
import type { Source, SourceContext } from './source.ts';
import { mirrorSource, volumeGroupSource } from './storage.ts';

const freshMs = 1000;
/** A part that takes longer is told as failed; it goes on in the background. */
const longestMs = 8000;
const millisecondsPerSecond = 1000;

export const localSources: readonly Source[] = [
  nodeSource,
  volumeGroupSource,
  mirrorSource,
  instanceSource,
  daemonSource,
];

interface Part {
  readonly name: string;
  readonly metrics: Metrics;
  readonly success: boolean;
  readonly seconds: number;
}

async function readPart(source: Source, context: SourceContext, longest: number): Promise<Part> {
  const { name } = source;
  const metrics = new Metrics();
  const began = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${longest} ms`)), longest);
  });
  const reading = source.read(context, metrics);
  const success = await Promise.race([reading, late]).then(
    () => true,
    (error: unknown) => {
      context.world.log.warning(`Figures of ${name}: ${messageOf(error)}`);
      return false;
    },
  );
  clearTimeout(timer);
  // What a late part still finds belongs to no answer.
  reading.catch(() => {});
  const told = success ? metrics : metrics.copy();
  return { name, metrics: told, success, seconds: (performance.now() - began) / millisecondsPerSecond };
}

export type Scraper = (accept: string | undefined) => Promise<Answer>;

export function createScraper(
  sources: readonly Source[],
  context: SourceContext,
  longest = longestMs,
): Scraper {
  let last: { readonly at: number; readonly parts: Promise<Part[]> } | undefined;
  const read = () => {
    const now = context.world.now();
    if (last === undefined || now - last.at > freshMs) {
      const parts = Promise.all(sources.map((source) => readPart(source, context, longest)));
      last = { at: now, parts };
    }
    return last.parts;
  };
  return async (accept) => {
    const metrics = new Metrics();
    for (const { name, metrics: found, success, seconds } of await read()) {
      metrics.addAll(found);
      metrics.add('ganeti_scrape_success', success ? 1 : 0, { part: name });
      metrics.add('ganeti_scrape_seconds', seconds, { part: name });
    }
    const openMetrics = wantsOpenMetrics(accept);
    return {
      status: 200,
      type: openMetrics ? openMetricsType : prometheusType,
      body: render(metrics, openMetrics),
    };
  };
}
