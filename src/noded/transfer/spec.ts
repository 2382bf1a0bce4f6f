/**
 * What one end of a transfer is told when it starts, as JSON on its standard input: not as arguments,
 * because the environment of scripts may hold secrets.
 */
import type { OsDefinition } from '../../guests/definitions.ts';
import type { Environment } from '../../guests/environment.ts';

export type EndIo =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly sizeMiB: number;
      /** Holds zeros only, and blocks of zeros take no room in it. */
      readonly isEmpty: boolean;
    }
  | {
      readonly kind: 'script';
      readonly definition: OsDefinition;
      readonly environment: Environment;
      readonly logFile: string;
    };

export interface TransferSpec {
  readonly mode: 'import' | 'export';
  /** Files with key and certificate of this side. */
  readonly keyFile: string;
  readonly certificateFile: string;
  /** PEM of the only certificate that the other side may show. */
  readonly peerCertificate: string;
  /** Of an export: where to. */
  readonly host: string | null;
  readonly port: number | null;
  readonly ipv6: boolean;
  readonly compress: string;
  readonly magic: string;
  /** Seconds. */
  readonly connectTimeout: number;
  readonly io: EndIo;
}
