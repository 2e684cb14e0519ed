// What block jobs make: single events, 25 to 100 a second, on time whatever happens, to 1,000 subscribers. CPU a delivery, and latency.
import { openRig } from '../rig.js';
import { interleave, ratio, spread } from '../samples.js';

const RATES = [25, 50, 100];
const KINDS = ['gateway', 'bare Node', 'bare Node, same bytes', 'uWebSockets.js'];
/** Seconds of a sample. */
const SECONDS = 3;

export async function quiet({ rounds, subscribers = 1_000 }) {
  const rigs = [];
  try {
    for (const kind of KINDS) {
      const rig = await openRig(kind);
      rigs.push(rig);
      await rig.load('connect', subscribers, 1);
    }
    const results = {};
    for (const rate of RATES) {
      const samples = await interleave(rigs, rounds, (rig) => rig.load('open', rate, 1, SECONDS));
      const of = (kind, figure) => samples[kind].map(figure);
      const figures = {
        cpuUs: ({ cpu, deliveries }) => (cpu / deliveries) * 1e6,
        p50: ({ p50 }) => p50,
        p99: ({ p99 }) => p99,
      };
      results[rate] = Object.fromEntries(
        KINDS.map((kind) => [
          kind,
          Object.fromEntries(
            Object.entries(figures).map(([name, figure]) => [
              name,
              { of: spread(of(kind, figure)), gatewayIs: ratio(of('gateway', figure), of(kind, figure)) },
            ]),
          ),
        ]),
      );
    }
    return results;
  } finally {
    for (const rig of rigs) await rig.close();
  }
}
