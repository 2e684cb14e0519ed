// QMP bytes to numbered, typed, logged events, nobody subscribed; against a loop that splits the same bytes and parses each line.
import { openRig } from '../rig.js';
import { interleave, ratio, spread } from '../samples.js';

const EVENTS = 100_000;

export async function ingest({ rounds }) {
  const rigs = [];
  try {
    for (const kind of ['gateway', 'bare parse', 'bare parse and keep']) rigs.push(await openRig(kind));
    const samples = await interleave(rigs, rounds, (rig) => rig.load('feed', EVENTS));
    const rates = Object.fromEntries(
      Object.entries(samples).map(([kind, each]) => [kind, each.map(({ cpu }) => EVENTS / cpu)]),
    );
    return {
      gateway: spread(rates.gateway),
      bare: spread(rates['bare parse']),
      ratio: ratio(rates.gateway, rates['bare parse']),
      keep: spread(rates['bare parse and keep']),
      keepRatio: ratio(rates['bare parse and keep'], rates['bare parse']),
    };
  } finally {
    for (const rig of rigs) await rig.close();
  }
}
