// Which kind of source the configuration means by what it names.
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
  logger: { info(details: object, text: string): void; error(details: object, text: string): void };
}

export function sourceOpener({ qmp, libvirt, calls, logger }: OpenerOptions): Opener & { libvirtds: Libvirtds } {
  const libvirtds = new Libvirtds(calls, (path, isFull) => {
    if (isFull)
      logger.error({ path }, 'libvirtd owes too many answers: it is asked no more until one comes; its events go on');
    else logger.info({ path }, 'libvirtd is asked again');
  });
  const options = { bootId: readBootId, ...libvirt };
  return {
    libvirtds,
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
