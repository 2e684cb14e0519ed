// Names: of a domain as the name of a source, and of libvirt's jobs. Pure.
import { SOURCE_NAME } from '../../protocol/limits.js';
import type { JobType } from '../../protocol/types.js';
import type { Domain } from './procedures.js';

/** Characters of a name that are kept at most, and of a source's name. */
const KEPT = 100;
const NAME_MAX = 128;
/** Digits of the UUID. Hand-made ones may begin alike. */
const UUID_DIGITS = { least: 8, all: 32 };

/**
 * The name of a domain's source: libvirt's own name where that is one, else with `-` for what a name can't have and as many digits of the UUID as
 * make it another than those of all other sources, at least eight.
 *
 * @param isTaken whether another source has that name.
 */
export function sourceNameOf({ name, uuid }: Domain, isTaken: (name: string) => boolean): string {
  if (SOURCE_NAME.test(name) && !isTaken(name)) return name;
  const slug = name.replace(/[^A-Za-z0-9._:@-]+/g, '-').slice(0, KEPT);
  const withDigits = (digits: number): string => `${slug.slice(0, NAME_MAX - 1 - digits)}-${uuid.slice(0, digits)}`;
  for (let digits = UUID_DIGITS.least; digits < UUID_DIGITS.all; digits += 1)
    if (!isTaken(withDigits(digits))) return withDigits(digits);
  return withDigits(UUID_DIGITS.all);
}

/**
 * libvirt names a job by what it does, its disk and the node that it reads: `copy-vda-libvirt-1-format`. The node is that of the image's format; of a
 * raw image newer libvirts have none, so that it is `libvirt-1-storage` there, or `libvirt-1-slice-sto`. A disk's name is letters and then digits, as
 * libvirt refuses any other. The whole form counts: jobs that others began may be called `backup-vda`, and a call by that disk would reach libvirt's.
 */
const OF_A_DISK = /^(?:copy|commit|pull|backup)-([a-z]+\d*)-libvirt-\d+-[a-z]+(?:-[a-z]+)*$/;
const OF_A_FILE = /^create-libvirt-\d+-[a-z]+(?:-[a-z]+)*$/;

/** The disk of a job that libvirt began, by its name. Other jobs have none. */
export function targetOf(id: string): string | undefined {
  return OF_A_DISK.exec(id)?.[1];
}

/** Whether libvirt began the job, and so dismisses it: one of a disk, or one that creates the file of a copy. */
export function isLibvirts(id: string): boolean {
  return OF_A_DISK.test(id) || OF_A_FILE.test(id);
}

const TYPES: Readonly<Record<string, JobType>> = {
  copy: 'mirror',
  commit: 'commit',
  pull: 'stream',
  backup: 'backup',
  create: 'create',
};

/** QEMU's type of a job that libvirt began, by its name; those of others are called as they please. */
export function typeOf(id: string): JobType {
  if (!isLibvirts(id)) return 'unknown';
  return TYPES[id.slice(0, id.indexOf('-'))] ?? 'unknown';
}
