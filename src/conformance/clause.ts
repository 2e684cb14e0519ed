// One clause of docs/PROTOCOL.md: what the page says, and how a server is tried against it.
import type { Server } from './server.js';

export interface Clause {
  /** Stable, for `--clause`. */
  readonly id: string;
  /** The heading of docs/PROTOCOL.md under which the sentence stands. */
  readonly section: string;
  /** The page's own words, without its markup. */
  readonly sentence: string;
  /** What the clause can't be tried without; further needs show only while it is tried. */
  readonly needs?: Need;
  /** Resolves if the server keeps the clause. Rejects with {@link ClauseFailed} or {@link NotTried}. */
  run(server: Server): Promise<void>;
}

/** A name of `server.info.features`, or a flag of the command line. */
export type Need = { readonly feature: string } | { readonly flag: '--abort' | '--slow' | '--token' };

export const needText = (need: Need): string =>
  'feature' in need ? `the feature ${need.feature}` : need.flag === '--abort' ? '--abort SOURCE/JOB' : need.flag;
