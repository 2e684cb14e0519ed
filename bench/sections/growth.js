// Cost as work grows: CPU a delivery from 100 to 10,000 subscribers, CPU of a leave and a join beside 100 and beside 10,000 others.
import { openRig } from '../rig.js';
import { interleave, perCpuSecond, ratio, spread } from '../samples.js';

const SIZES = [100, 300, 1_000, 3_000, 10_000];

export async function growth({ rounds }) {
  const rigs = [];
  try {
    for (const server of ['gateway', 'uWebSockets.js', 'bare Node'])
      for (const size of SIZES) {
        const rig = await openRig(server);
        rigs.push(rig);
        Object.assign(rig, { server, size, kind: `${server} ${size}` });
        await rig.load('connect', size, 1);
      }
    const samples = await interleave(rigs, rounds, (rig) =>
      rig.load('closed', Math.max(4, Math.round(25_000 / rig.size)), 64),
    );
    const rates = Object.fromEntries(Object.entries(samples).map(([kind, each]) => [kind, each.map(perCpuSecond)]));
    const small = rigs.find(({ kind }) => kind === 'gateway 100');
    const large = rigs.find(({ kind }) => kind === 'gateway 10000');
    const joins = await interleave([small, large], rounds, (rig) => rig.load('churn', 1_500));
    const each = Object.fromEntries(
      Object.entries(joins).map(([kind, of]) => [kind, of.map(({ cpu }) => (cpu / 1_500) * 1e6)]),
    );
    return {
      sizes: SIZES,
      rates: Object.fromEntries(Object.entries(rates).map(([kind, of]) => [kind, spread(of)])),
      linear: ratio(rates['gateway 10000'], rates['gateway 100']),
      linearNode: ratio(rates['bare Node 10000'], rates['bare Node 100']),
      joinUs: { 100: spread(each['gateway 100']), 10000: spread(each['gateway 10000']) },
      joinRatio: ratio(each['gateway 10000'], each['gateway 100']),
    };
  } finally {
    for (const rig of rigs) await rig.close();
  }
}
