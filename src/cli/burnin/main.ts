/** burnin: a program with one command. */
import { main } from '../main.ts';
import { burnin } from './run.ts';

void main('burnin', process.argv.slice(2), burnin).then((code) => {
  process.exitCode = code;
});
