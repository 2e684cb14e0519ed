// The certificate and key of the listeners, for `gateway` and `sources`.
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** PEM texts. */
export interface TlsMaterial {
  cert: string;
  key: string;
  /** Authorities that sign certificates of clients; `undefined`: clients are not asked for one. */
  clientCa?: string | undefined;
}

/** @throws the error of TLS for a certificate or key that can't be used. */
export function checkTls(tls: TlsMaterial): void {
  createSecureContext(contextOf(tls));
}

export const contextOf = ({ cert, key, clientCa }: TlsMaterial): SecureContextOptions => ({
  cert,
  key,
  ...(clientCa === undefined ? {} : { ca: clientCa }),
});
