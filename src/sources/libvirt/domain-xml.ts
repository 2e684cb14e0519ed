// What libvirt's XML of a running domain says of its disks: which file each uses, and the copy that a job makes of it. Pure.
import { SaxesParser } from 'saxes';

export interface Disk {
  /** libvirt's name of it, as `vda`. */
  target: string;
  /** What it uses now; node numbers are libvirt's, new for each file that it opens. */
  source: string;
  /** What a copy or an active commit of it writes to; it is the disk's source after a pivot. */
  mirror: string | undefined;
}

/** Characters of an XML that are read: libvirt's own bound for a string. */
const XML_MAX = 4 * 1024 * 1024;

/** @returns its disks; `undefined` for what is no XML. */
export function readDisks(xml: string): Disk[] | undefined {
  if (xml.length > XML_MAX) return undefined;
  const disks: Disk[] = [];
  const path: string[] = [];
  let disk: Partial<Disk> = {};
  const parser = new SaxesParser();
  let isBroken = false;
  parser.on('error', () => {
    isBroken = true;
  });
  parser.on('opentag', ({ name, attributes }) => {
    path.push(name);
    // The operator's own metadata may have elements of the same names elsewhere.
    const at = path.join('/');
    if (at === 'domain/devices/disk') disk = {};
    else if (at === 'domain/devices/disk/target') disk.target = String(attributes.dev ?? '');
    else if (at === 'domain/devices/disk/source') disk.source = placeOf(attributes);
    else if (at === 'domain/devices/disk/mirror/source') disk.mirror = placeOf(attributes);
  });
  parser.on('closetag', () => {
    const { target, source, mirror } = disk;
    if (path.join('/') === 'domain/devices/disk' && target && source) disks.push({ target, source, mirror });
    path.pop();
  });
  parser.write(xml).close();
  return isBroken ? undefined : disks;
}

/** A file, a block device, a network's volume: whatever names it, and libvirt's number of the node. */
function placeOf(attributes: Readonly<Record<string, unknown>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ');
}
