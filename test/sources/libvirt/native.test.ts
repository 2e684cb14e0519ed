// What libvirt's XML shows of a domain's disks, and what it proves of a pivot.
import { describe, expect, it } from 'vitest';
import { GraphIndex } from '../../../src/jobs/model/graph-index.js';
import { comparePivot, readBaseline } from '../../../src/jobs/model/pivot.js';
import { readDisks } from '../../../src/sources/libvirt/domain-xml.js';
import { graphOf } from '../../../src/sources/libvirt/xml-graph.js';

const domain = (disks: string): string =>
  `<domain type='kvm' id='3'><metadata><my:disk xmlns:my='http://x'><source file='/wrong'/></my:disk>
<devices><disk><source file='/wrong'/><target dev='vdz'/></disk></devices></metadata><devices>${disks}</devices></domain>`;
const disk = (target: string, source: string, mirror = ''): string =>
  `<disk type='file'><source ${source}><slices><slice type='storage'/></slices></source><backingStore type='file'><source file='/base'/></backingStore>
${mirror}<target dev='${target}' bus='virtio'/></disk>`;
const copyTo = (source: string): string =>
  `<mirror type='file' job='copy' ready='yes'><format type='qcow2'/><source ${source}/><backingStore/></mirror>`;

describe('the disks of a domain', () => {
  it('are read with what they use and what they are copied to, and nothing else is', () => {
    const xml = domain(
      disk('vda', "file='/a' index='1'", copyTo("file='/b&amp;c' index='7'")) +
        disk('vdb', "protocol='rbd' name='pool/x'") +
        "<disk type='file' device='cdrom'><target dev='sda'/></disk><interface><source network='n'/></interface>",
    );
    expect(readDisks(xml)).toEqual([
      { target: 'vda', source: 'file=/a index=1', mirror: 'file=/b&c index=7' },
      { target: 'vdb', source: 'name=pool/x protocol=rbd', mirror: undefined },
    ]);
  });

  it.each(['', '<domain>', 'no xml', '<domain><devices></domain>', `<domain a='&x;'/>`])('%j is no XML', (xml) => {
    expect(readDisks(xml)).toBeUndefined();
  });
});

describe('a pivot by the XML', () => {
  const job = 'copy-vda-libvirt-1-format';
  const graph = (...disks: string[]): GraphIndex =>
    new GraphIndex(graphOf(readDisks(domain(disks.join(''))) ?? [], new Map([['vda', job]])));
  const during = graph(disk('vda', "file='/a'", copyTo("file='/b'")), disk('vdb', "file='/c'"));
  const baseline = readBaseline(during, job);

  it.each([
    [true, "file='/b'"],
    [false, "file='/a'"],
    ['unknown', "file='/elsewhere'"],
  ])('%s where the disk uses %s afterwards', (pivoted, source) => {
    if (!baseline || baseline === 'never') throw new Error('no baseline');
    expect(comparePivot(baseline, graph(disk('vda', source), disk('vdb', "file='/c'")))).toBe(pivoted);
  });

  it('is not known of a job that the XML does not show', () => {
    expect(readBaseline(graph(disk('vda', "file='/a'")), job)).toBeUndefined();
  });
});
