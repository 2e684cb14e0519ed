// 1,000 subscribers of one filter: bursts of 64 events, and single events. Each sample is a closed loop: the next burst when everybody
// has the last, so no server is measured in overload and nothing is coalesced that did not come together.
import { haveNats, openRig } from '../rig.js';
import { interleave, perCpuSecond, ratio, spread } from '../samples.js';

const PEERS = [
  'gateway',
  'uWebSockets.js',
  'uWebSockets.js joined',
  'bare Node',
  'bare Node, same bytes',
  'bare',
  'ws loop',
  'socket.io',
  ...(haveNats ? ['NATS'] : []),
];
/** Half a second or more of each server's CPU a sample; a tick of /proc is 10 ms. */
const BURSTS = {
  gateway: 40,
  'uWebSockets.js': 30,
  'uWebSockets.js joined': 60,
  'bare Node': 60,
  'bare Node, same bytes': 60,
  bare: 80,
  'ws loop': 1,
  'socket.io': 1,
  NATS: 20,
};
const SINGLES = {
  gateway: 80,
  'uWebSockets.js': 100,
  'uWebSockets.js joined': 100,
  'bare Node': 100,
  'bare Node, same bytes': 100,
  bare: 120,
  'ws loop': 60,
  'socket.io': 40,
  NATS: 50,
};

export async function fanOut({ rounds, subscribers = 1_000 }) {
  const rigs = [];
  try {
    for (const kind of PEERS) {
      const rig = await openRig(kind);
      rigs.push(rig);
      await rig.load('connect', subscribers, 1);
    }
    const bursts = await interleave(rigs, rounds, (rig) => rig.load('closed', BURSTS[rig.kind], 64));
    const singles = await interleave(rigs, rounds, (rig) => rig.load('closed', SINGLES[rig.kind], 1));
    return { bursts: figures(bursts), singles: figures(singles) };
  } finally {
    for (const rig of rigs) await rig.close();
  }
}

function figures(samples) {
  const rates = Object.fromEntries(Object.entries(samples).map(([kind, each]) => [kind, each.map(perCpuSecond)]));
  return Object.fromEntries(
    Object.entries(samples).map(([kind, each]) => [
      kind,
      {
        perCpuSecond: spread(rates[kind]),
        gatewayIs: ratio(rates.gateway, rates[kind]),
        bytes: spread(each.map(({ bytes, deliveries }) => bytes / deliveries)),
        p50: spread(each.map(({ p50 }) => p50)),
        p99: spread(each.map(({ p99 }) => p99)),
        // Below 1 the load was not what held it up.
        loadBusy: spread(each.map(({ clientCpu, seconds }) => clientCpu / seconds)),
      },
    ]),
  );
}
