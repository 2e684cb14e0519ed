// 5,000 subscribers: all with one filter, and 50 with each of 100 filters that all want every event, so that each batch is encoded 100
// times. The same for uWebSockets.js with 100 topics.
import { openRig } from '../rig.js';
import { interleave, perCpuSecond, ratio, spread } from '../samples.js';

export async function filters({ rounds }) {
  const rigs = [];
  try {
    for (const server of ['gateway', 'uWebSockets.js'])
      for (const count of [1, 100]) {
        const rig = await openRig(server);
        rigs.push(rig);
        rig.kind = `${server}, ${count}`;
        await rig.load('connect', 5_000, count);
      }
    const samples = await interleave(rigs, rounds, (rig) => rig.load('closed', 8, 64));
    const rates = Object.fromEntries(Object.entries(samples).map(([kind, each]) => [kind, each.map(perCpuSecond)]));
    return {
      one: spread(rates['gateway, 1']),
      hundred: spread(rates['gateway, 100']),
      ratio: ratio(rates['gateway, 100'], rates['gateway, 1']),
      uws: ratio(rates['uWebSockets.js, 100'], rates['uWebSockets.js, 1']),
      againstUws: ratio(rates['gateway, 100'], rates['uWebSockets.js, 100']),
    };
  } finally {
    for (const rig of rigs) await rig.close();
  }
}
