// docs/LIBVIRT.md has every call that the gateway makes: SECURITY.md refers to it for what a libvirtd is asked.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PROCEDURES } from '../../../src/sources/libvirt/procedures.js';

const CALLS: Record<keyof typeof PROCEDURES, string> = {
  authList: 'virConnectOpen` with its authentication',
  authPolkit: 'virConnectOpen` with its authentication',
  open: 'virConnectOpen`',
  version: 'virConnectGetVersion`',
  lookupByName: 'virDomainLookupByName`',
  lookupByUuid: 'virDomainLookupByUUID`',
  xml: 'virDomainGetXMLDesc`',
  list: 'virConnectListAllDomains`',
  watch: 'virConnectDomainEventRegisterAny`',
  abort: 'virDomainBlockJobAbort`',
  jobInfo: 'virDomainGetBlockJobInfo`',
  setSpeed: 'virDomainBlockJobSetSpeed`',
  monitorCommand: 'virDomainQemuMonitorCommand`',
  monitorEvents: 'virConnectDomainQemuMonitorEventRegister`',
};

it('every call of libvirt is in the list of docs/LIBVIRT.md, and no other', () => {
  const list = /- Its calls are ([\s\S]*?), and no others/.exec(readFileSync('docs/LIBVIRT.md', 'utf8'))?.[1] ?? '';
  for (const name of Object.keys(PROCEDURES)) expect(list).toContain(`\`${CALLS[name as keyof typeof PROCEDURES]}`);
  expect([...list.matchAll(/`(vir\w+)`/g)].map(([, name]) => name)).toHaveLength(
    new Set(Object.values(CALLS)).size - 1,
  );
});
