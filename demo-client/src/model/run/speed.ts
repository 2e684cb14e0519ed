// A speed limit as it is typed: MiB per second, 0 is none. Pure.

const MIB = 1_048_576;

/** Bytes per second as a decimal string; `undefined`: not a limit that QEMU takes. */
export function parseSpeed(mibPerSecond: string): string | undefined {
  const mib = Number(mibPerSecond);
  return mibPerSecond.trim() !== '' && mib >= 0 && mib < 2 ** 43 ? String(Math.round(mib * MIB)) : undefined;
}
