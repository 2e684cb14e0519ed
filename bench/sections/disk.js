// What a log on disk costs the whole way, from the monitor to the subscribers: a gateway with one beside a gateway with its log in memory, in turn.
// The CPU is that of the process, with the threads that write.
import { openRig } from '../rig.js';
import { interleave, perCpuSecond, ratio, spread } from '../samples.js';

const KINDS = { memory: 'gateway', disk: 'gateway, on disk' };
const EVENTS = 100_000;
const BURSTS = { 1: 400, 100: 150, 1000: 40 };
const SINGLES = { 1: 4_000, 100: 400, 1000: 80 };

export async function disk({ rounds }) {
  const parts = [['ingest, nobody subscribed', 0, (rig) => rig.load('feed', EVENTS), ({ cpu }) => EVENTS / cpu]];
  for (const subscribers of [1, 100, 1_000]) {
    const of = `${subscribers.toLocaleString('en')} subscriber${subscribers > 1 ? 's' : ''}`;
    const closed = (bursts, events) => (rig) => rig.load('closed', bursts[subscribers], events);
    parts.push([`bursts of 64, ${of}`, subscribers, closed(BURSTS, 64), perCpuSecond]);
    parts.push([`single events, ${of}`, subscribers, closed(SINGLES, 1), perCpuSecond]);
  }
  const results = {};
  for (const [name, subscribers, sample, rateOf] of parts) {
    const rigs = [];
    try {
      for (const kind of Object.values(KINDS)) {
        const rig = await openRig(kind);
        rigs.push(rig);
        if (subscribers > 0) await rig.load('connect', subscribers, 1);
      }
      const samples = await interleave(rigs, rounds, sample);
      const [memory, onDisk] = Object.values(KINDS).map((kind) => samples[kind].map(rateOf));
      results[name] = { memory: spread(memory), onDisk: spread(onDisk), ratio: ratio(onDisk, memory) };
    } finally {
      for (const rig of rigs) await rig.close();
    }
  }
  return results;
}
