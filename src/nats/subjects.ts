// The names of a cluster in NATS. The name of a source or a webhook may have characters that a subject or a key can't.

export interface Subjects {
  /** The stream. */
  readonly stream: string;
  /** The bucket of the sources' owners. */
  readonly owners: string;
  /** The bucket of the webhooks' positions, and that of the members that post them. */
  readonly webhooks: string;
  readonly webhookLocks: string;
  events(source: string): string;
  live(source: string): string;
  commands(source: string): string;
  progress(source: string): string;
  /** What the members of one source say to each other. */
  peers(source: string): string;
  /** A caller has gone. */
  readonly gone: string;
  /** Which sources' progress an edge wants. */
  readonly demand: string;
  /** Which sources an owner has. */
  readonly hold: string;
  /** A request that every member answers. */
  readonly status: string;
  /** The source of a subject of those above that has one. */
  sourceOf(subject: string): string;
}

/** @param cluster letters, digits, `-` and `_`. */
export function subjectsOf(cluster: string): Subjects {
  const of =
    (kind: string) =>
    (source: string): string =>
      `${cluster}.${kind}.${source === '*' ? '*' : encodeName(source)}`;
  return {
    stream: cluster,
    owners: `${cluster}_owners`,
    webhooks: `${cluster}_webhooks`,
    webhookLocks: `${cluster}_webhook_locks`,
    events: of('ev'),
    live: of('live'),
    commands: of('cmd'),
    progress: of('progress'),
    peers: of('peer'),
    gone: `${cluster}.ctl.gone`,
    demand: `${cluster}.ctl.demand`,
    hold: `${cluster}.ctl.hold`,
    status: `${cluster}.ctl.status`,
    sourceOf: (subject) => decodeName(subject.slice(subject.lastIndexOf('.') + 1)),
  };
}

/** Characters other than letters, digits, `-` and `_` as `=XX` for each of their UTF-8 bytes. */
export function encodeName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/gu, (letter) =>
    [...Buffer.from(letter)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

export function decodeName(encoded: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const isHex = encoded[at] === '=';
    bytes.push(isHex ? Number.parseInt(encoded.slice(at + 1, at + 3), 16) : encoded.charCodeAt(at));
    if (isHex) at += 2;
  }
  return Buffer.from(bytes).toString();
}
