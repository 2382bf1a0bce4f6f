/** There is nothing built in: without a script of the administrator an interface of this mode fails. */
import { Failure } from '../../kit/failure.ts';
import type { NetworkDriver } from '../contract.ts';
import { about } from './about.ts';

export function extDriver(): NetworkDriver {
  const refuse = (action: string) =>
    Promise.reject(
      new Failure('HypervisorError', [`no ${action} script for network type ${about.name} found`]),
    );
  return {
    about,
    connect: () => refuse('up'),
    disconnect: () => refuse('down'),
    linkExists: () => Promise.resolve(true),
  };
}
