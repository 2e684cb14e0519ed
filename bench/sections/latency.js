// Latency from the intended moment of the monitor's write to the subscriber's whole frame, 1,000 subscribers, bursts of 64, on time
// whatever happens. Saturation is what the gateway's CPU allows in the closed loop of this same run; the bare broadcast gets the same rate.
import { median, openRig } from '../rig.js';
import { interleave, ratio, spread } from '../samples.js';

export async function latency({ rounds }) {
  const rigs = [];
  try {
    for (const kind of ['gateway', 'bare', 'bare Node', 'uWebSockets.js']) {
      const rig = await openRig(kind);
      rigs.push(rig);
      await rig.load('connect', 1_000, 1);
    }
    const [gateway] = rigs;
    const costs = [];
    for (let at = 0; at < 4; at++) {
      const { cpu } = await gateway.load('closed', 30, 64);
      costs.push(cpu / 30);
    }
    const saturation = 1 / median(costs);
    const half = await interleave(rigs, rounds, (rig) => rig.load('open', saturation / 2, 64, 1.5));
    const curve = [];
    for (const load of [0.1, 0.25, 0.5, 0.7, 0.85, 0.95]) {
      const samples = await interleave(rigs, 3, (rig) => rig.load('open', saturation * load, 64, 1));
      curve.push({
        load,
        ...Object.fromEntries(Object.entries(samples).map(([kind, each]) => [kind, quantiles(each)])),
      });
    }
    const of = (kind, name) => half[kind].map((sample) => sample[name]);
    return {
      saturation,
      half: Object.fromEntries(Object.entries(half).map(([kind, each]) => [kind, quantiles(each)])),
      against: Object.fromEntries(
        ['bare', 'bare Node', 'uWebSockets.js'].map((kind) => [
          kind,
          Object.fromEntries(['p50', 'p99', 'p999'].map((name) => [name, ratio(of('gateway', name), of(kind, name))])),
        ]),
      ),
      curve,
    };
  } finally {
    for (const rig of rigs) await rig.close();
  }
}

const quantiles = (samples) =>
  Object.fromEntries(['p50', 'p99', 'p999'].map((name) => [name, spread(samples.map((sample) => sample[name]))]));
