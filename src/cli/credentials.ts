// The tokens that `login` has stored, by the origin of their gateway: one file that its owner alone may read.
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliError, EXIT } from './exit.js';

/** `https://host`, `http://127.0.0.1:7070`, `unix:/path`. A token is sent to no other origin: not to another port, and not without TLS. */
export function originOf(url: string): string {
  if (url.startsWith('unix:')) return url;
  return new URL(url.replace(/^ws/, 'http')).origin;
}

export function credentialsFile(env: NodeJS.ProcessEnv = process.env): string {
  // XDG: a relative path counts as none.
  const { XDG_CONFIG_HOME: given = '' } = env;
  return join(given.startsWith('/') ? given : join(homedir(), '.config'), 'qmp-gateway', 'credentials.json');
}

export const storedToken = (url: string): string | undefined => readTokens().get(originOf(url));

export function storeToken(url: string, token: string): void {
  writeTokens(readTokens().set(originOf(url), token));
}

/** @returns whether there was one. */
export function forgetToken(url: string): boolean {
  const tokens = readTokens();
  const had = tokens.delete(originOf(url));
  if (had) writeTokens(tokens);
  return had;
}

function readTokens(): Map<string, string> {
  const file = credentialsFile();
  const text = readPrivate(file);
  if (text === undefined) return new Map();
  try {
    const { tokens } = JSON.parse(text) as { tokens: Record<string, string> };
    return new Map(Object.entries(tokens).filter(([, token]) => typeof token === 'string' && token !== ''));
  } catch {
    // The error of JSON.parse quotes the text, which may have a token.
    throw new CliError(EXIT.usage, `${file}: not as "qmp-gateway login" writes it; remove it and log in again`);
  }
}

/** The mode is that of the file that is read, whatever its name means by then. `undefined`: there is no such file. */
function readPrivate(file: string): string | undefined {
  let opened: number;
  try {
    opened = openSync(file, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new CliError(EXIT.usage, (error as Error).message, { cause: error });
  }
  try {
    if ((fstatSync(opened).mode & 0o077) !== 0)
      throw new CliError(EXIT.usage, `${file}: other users of this host can read its tokens: chmod 600 ${file}`);
    return readFileSync(opened, 'utf8');
  } finally {
    closeSync(opened);
  }
}

function writeTokens(tokens: ReadonlyMap<string, string>): void {
  const file = credentialsFile();
  const written = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(written, `${JSON.stringify({ tokens: Object.fromEntries(tokens) }, undefined, 2)}\n`, {
      flag: 'wx',
      mode: 0o600,
    });
    renameSync(written, file);
  } catch (error) {
    rmSync(written, { force: true });
    throw new CliError(EXIT.failed, `the token was not stored: ${(error as Error).message}`, { cause: error });
  }
}
