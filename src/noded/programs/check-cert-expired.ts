/**
 * check-cert-expired FILE: exit code 0 when the certificate has expired, or isn't valid yet; 1 when it is good, or
 * can't be read. Scripts use it as a question.
 */
import { readFileSync } from 'node:fs';
import { messageOf } from '../../kit/failure.ts';
import { certificateIn, validityFault } from '../../noderpc/pem.ts';

export async function checkCertExpired(argv: readonly string[]): Promise<number> {
  const [file] = argv;
  const say = (line: string) => process.stderr.write(`${line}\n`);
  if (file === undefined || argv.length !== 1) {
    say('Usage: check-cert-expired <certificate-path>');
    return 1;
  }
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    say(`Unable to read ${file}: ${messageOf(error)}`);
    return 1;
  }
  try {
    const fault = validityFault(certificateIn(pem, file), Date.now() / 1000);
    if (fault === undefined) return 1;
    say(`${file}: ${fault}`);
    return 0;
  } catch (error) {
    say(`Unable to check ${file}: ${messageOf(error)}`);
    return 1;
  }
}
