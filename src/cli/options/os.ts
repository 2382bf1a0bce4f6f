/** Options of gnt-os alone. */
import { yesNo } from '../optparse/option.ts';

export const hidden = yesNo(['--hidden'], 'hidden', 'Sets the hidden flag on the OS', { metavar: 'yes|no' });
export const blacklisted = yesNo(['--blacklisted'], 'blacklisted', 'Sets the blacklisted flag on the OS', {
  metavar: 'yes|no',
});
