// Which kind of source the configuration means by what it names.
import type { BehaviorSubject } from 'rxjs';
import type { TlsMaterial } from '../tls.js';
import { DialIn } from './accept/dial-in.js';
import type { AcceptLimitName, AcceptOptions, AcceptSettings } from './accept/options.js';
import type { Opener } from './configured.js';
import { SocketFiles } from './files/socket-files.js';
import {
  type BudgetLimits,
  LibvirtDomainSource,
  LibvirtDomains,
  Libvirtds,
  type LibvirtOptions,
  readBootId,
} from './libvirt/index.js';
import { QmpJobSource } from './qmp/job-source.js';
import type { QmpSourceOptions } from './qmp/options.js';

export interface OpenerOptions {
  qmp: Partial<QmpSourceOptions>;
  libvirt: Partial<LibvirtOptions>;
  /** Of one libvirtd. */
  calls: Partial<BudgetLimits>;
  accept: Partial<AcceptOptions>;
  /** Of the TCP sockets at which QEMUs connect; another one counts for new connections. */
  tls$: BehaviorSubject<TlsMaterial | undefined>;
  /** Called each time that a limit is met. */
  limited: (limit: AcceptLimitName) => void;
  logger: Record<'info' | 'warn' | 'error', (details: object, text: string) => void>;
}

export interface SourceOpener extends Opener {
  libvirtds: Libvirtds;
  /** Resolves when every socket at which QEMUs connect, and that has not begun to listen, has tried to: with the first error. */
  listening(): Promise<Error | undefined>;
}

export function sourceOpener({ qmp, libvirt, calls, accept, tls$, limited, logger }: OpenerOptions): SourceOpener {
  // A session is made for tools when it is negotiated, before it has a name.
  const ofMany = { ...qmp, sessions: undefined };
  const beginning = new Set<Promise<Error | undefined>>();
  const dialIn = (settings: AcceptSettings, isTaken: (name: string) => boolean): DialIn => {
    const opened = new DialIn(
      settings,
      {
        open: (name, monitor$) =>
          new QmpJobSource({ name, address: { kind: 'accepted', monitor$ } }, settings.many ? ofMany : qmp),
        isTaken,
        limited,
        note: (what, details) => logger.warn(details, what),
        qmp: { ...qmp.qmp, oob: !settings.many && qmp.sessions?.wants(settings.name) === true },
        tls$,
      },
      accept,
    );
    beginning.add(opened.listening);
    void opened.listening.then(() => beginning.delete(opened.listening));
    return opened;
  };
  const libvirtds = new Libvirtds(calls, (path, isFull) => {
    if (isFull)
      logger.error(
        { path },
        'libvirtd owes too many answers: further ones take the places of new calls until one comes; its events go on',
      );
    else logger.info({ path }, 'libvirtd answers again');
  });
  const options = { bootId: readBootId, ...libvirt };
  return {
    libvirtds,
    listening: async () => (await Promise.all(beginning)).find((error) => error !== undefined),
    source: (source) => {
      if (source.kind === 'qmp') return new QmpJobSource(source, qmp);
      const { name, domain } = source;
      return new LibvirtDomainSource(
        { name, label: domain, domain: { name: domain }, libvirtd: libvirtds.at(source.libvirt) },
        options,
      );
    },
    discovery: (discovery, isTaken) => {
      const note = (what: string, details: object): void => logger.info(details, what);
      if (discovery.kind === 'accept') return dialIn(discovery.accept, isTaken);
      if (discovery.kind === 'files')
        return new SocketFiles(discovery.pattern, {
          isTaken,
          note,
          open: (name, path) => new QmpJobSource({ name, address: { kind: 'unix', path } }, qmp),
        });
      return new LibvirtDomains(
        {
          libvirtd: libvirtds.at(discovery.libvirt),
          isTaken,
          open: (settings) => new LibvirtDomainSource(settings, options),
          note,
        },
        options,
      );
    },
  };
}
