// 500 subscribers of one filter that take compressed messages, beside 500 that don't: bytes on the wire and the server's CPU a delivery,
// for bursts of 64 and of 8, and for single events (which are too small to be compressed).
import { openRig } from '../rig.js';
import { interleave, perCpuSecond, ratio, spread } from '../samples.js';

const PLAIN = 'gateway, plain';
const DEFLATED = 'gateway, deflated';
/** Bursts a sample: half a second of the server's CPU or more; a tick of /proc is 10 ms. */
const PARTS = { 64: 100, 8: 100, 1: 100 };

export async function compression({ rounds, subscribers = 500 }) {
  const rigs = [];
  try {
    for (const kind of [PLAIN, DEFLATED]) {
      const rig = await openRig(kind);
      rigs.push(rig);
      await rig.load('connect', subscribers);
    }
    const parts = {};
    for (const [events, bursts] of Object.entries(PARTS)) {
      const samples = await interleave(rigs, rounds, (rig) => rig.load('closed', bursts, events));
      const [plain, deflated] = [samples[PLAIN], samples[DEFLATED]];
      const bytes = ({ bytes, deliveries }) => bytes / deliveries;
      parts[events] = {
        bytes: { plain: spread(plain.map(bytes)), deflated: spread(deflated.map(bytes)) },
        fewerBytes: ratio(plain.map(bytes), deflated.map(bytes)),
        perCpuSecond: { plain: spread(plain.map(perCpuSecond)), deflated: spread(deflated.map(perCpuSecond)) },
        rate: ratio(deflated.map(perCpuSecond), plain.map(perCpuSecond)),
        loadBusy: spread([...plain, ...deflated].map(({ clientCpu, seconds }) => clientCpu / seconds)),
      };
    }
    return parts;
  } finally {
    for (const rig of rigs) await rig.close();
  }
}
