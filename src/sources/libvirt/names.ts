// Names: of a domain as the name of a source, and of libvirt's jobs. Pure.
import { SOURCE_NAME } from '../../protocol/limits.js';
import type { JobType } from '../../protocol/types.js';
import type { Domain } from './procedures.js';

/** Characters of a name that are kept, so that the UUID's part fits behind them. */
const KEPT = 100;

/**
 * The name of a domain's source: libvirt's own name where that is one, else with `-` for what a name can't have and the first eight digits of the UUID.
 *
 * @param isTaken whether another source has that name.
 */
export function sourceNameOf({ name, uuid }: Domain, isTaken: (name: string) => boolean): string {
  if (SOURCE_NAME.test(name) && !isTaken(name)) return name;
  const slug = name.replace(/[^A-Za-z0-9._:@-]+/g, '-').slice(0, KEPT);
  return `${slug}-${uuid.slice(0, 8)}`;
}

/** The disk of a job that libvirt began, by the name that libvirt gives its jobs: `copy-vda-libvirt-1-format`. Other jobs have none. */
export function targetOf(id: string): string | undefined {
  return /^(?:copy|commit|pull|backup)-([A-Za-z0-9]+)(?:-|$)/.exec(id)?.[1];
}

/** Whether libvirt began the job, and so dismisses it: one of a disk, or one that creates the file of a copy. */
export function isLibvirts(id: string): boolean {
  return targetOf(id) !== undefined || /^create-libvirt-\d/.test(id);
}

const TYPES: Readonly<Record<string, JobType>> = {
  copy: 'mirror',
  commit: 'commit',
  pull: 'stream',
  backup: 'backup',
  create: 'create',
};

/** QEMU's type of a job that libvirt began, by its name. */
export function typeOf(id: string): JobType {
  return TYPES[id.slice(0, id.indexOf('-'))] ?? 'unknown';
}
