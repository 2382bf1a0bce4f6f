/** A part of the figures: each is read by itself, so that one that can't be had hides no other. */
import type { Paths } from '../../kit/paths.ts';
import type { CollectorWorld } from '../collectors/collector.ts';
import type { Metrics } from './exposition.ts';

export interface SourceContext {
  readonly paths: Paths;
  readonly world: CollectorWorld;
}

export interface Source {
  readonly name: string;
  /** @throws what hinders it; what it has put into `metrics` by then counts */
  read(context: SourceContext, metrics: Metrics): Promise<void>;
}
