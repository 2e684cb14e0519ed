// The configuration of NATS that docs/CLUSTER.md has, with the users of each role, and their passwords.
import { readFileSync } from 'node:fs';

export const NATS_PERMISSIONS = /```conf\n([\s\S]*?)```/.exec(readFileSync('docs/CLUSTER.md', 'utf8'))?.[1] ?? '';

/** Variables of the configuration. */
export const NATS_PASSWORDS = { OWNER_PASSWORD: 'of-owners', EDGE_PASSWORD: 'of-edges', STATUS_PASSWORD: 'of-status' };
