// The connections whose client has a certificate that was accepted: when other authorities are trusted, those of the old ones alone count as without.
import { X509Certificate } from 'node:crypto';
import type { Server } from 'node:https';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../../access/index.js';
import { certificateOf } from './transport.js';

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export class CertifiedSockets {
  readonly #sockets = new Set<TLSSocket>();
  #ca: string | undefined;

  constructor(server: Server, ca: string | undefined) {
    this.#ca = ca;
    server.on('secureConnection', (socket) => {
      if (!socket.authorized) return;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param ca the authorities that are trusted from now on, PEM. @returns the certificates that are not accepted any more. */
  judge(ca: string | undefined): ClientCertificate[] {
    if (ca === this.#ca) return [];
    this.#ca = ca;
    const trusted = new Set((ca?.match(PEM) ?? []).flatMap(fingerprintOf));
    return [...this.#sockets].flatMap((socket) => {
      if (authoritiesOf(socket).some((authority) => trusted.has(authority))) return [];
      const certificate = certificateOf(socket);
      socket.authorized = false;
      this.#sockets.delete(socket);
      return certificate ?? [];
    });
  }
}

/** OpenSSL leaves out a block that is no certificate. */
function fingerprintOf(pem: string): string[] {
  try {
    return [new X509Certificate(pem).fingerprint256];
  } catch {
    return [];
  }
}

/** Fingerprints of those that have signed the client's certificate, up to the root. A root has signed itself. */
function authoritiesOf(socket: TLSSocket): string[] {
  const found = new Set<string>();
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true).issuerCertificate;
  while (next && !found.has(next.fingerprint256)) {
    found.add(next.fingerprint256);
    next = next.issuerCertificate;
  }
  return [...found];
}
