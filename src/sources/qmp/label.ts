// The name that a QEMU gives itself (`-name`), as people may read it: it is chosen by whoever runs that QEMU, and nothing is decided by it.

/** Characters of a label. */
const LENGTH = 128;

/** One line of printable characters, at most 128 of them; `undefined`: none are left. */
export function labelOf(name: string | undefined): string | undefined {
  const printable = (name ?? '')
    .slice(0, 8 * LENGTH)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  return [...printable].slice(0, LENGTH).join('') || undefined;
}
