/** Every resource and method of the remote API: the one table that requests, documents and tests are read from. */
import type { Route } from '../route.ts';
import { additions } from './additions.ts';
import { clusterRoutes } from './cluster.ts';
import { groupRoutes } from './groups.ts';
import { instanceRoutes } from './instances.ts';
import { queueRoutes } from './jobs.ts';
import { networkRoutes } from './networks.ts';
import { nodeRoutes } from './nodes.ts';
import { queryRoutes } from './query.ts';

export const routes: readonly Route[] = [
  ...clusterRoutes,
  ...instanceRoutes,
  ...nodeRoutes,
  ...groupRoutes,
  ...networkRoutes,
  ...queueRoutes,
  ...queryRoutes,
  ...additions(() => routes),
];
