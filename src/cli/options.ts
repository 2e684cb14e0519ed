// Flags that several commands have.
import { Option } from 'commander';
import { globs } from './values.js';

const DEFAULT_URL = 'http://127.0.0.1:7070';

export const urlOption = (): Option =>
  new Option('--url <url>', 'the gateway')
    .env('QMP_GATEWAY_URL')
    .default(DEFAULT_URL)
    // An empty variable counts as none.
    .argParser((text) => text || DEFAULT_URL);
/** A token itself is no flag: every user of the host sees the arguments of a process. */
export const tokenOption = (): Option =>
  new Option(
    '--token-file <file>',
    'a file with the token; else env QMP_GATEWAY_TOKEN, or what "login" has stored',
  ).env('QMP_GATEWAY_TOKEN_FILE');
export const jsonOption = (): Option => new Option('--json', 'JSON lines for programs');
export const sourceOption = (): Option => new Option('--source <glob...>', 'only of these sources').argParser(globs);
export const jobOption = (): Option => new Option('--job <glob...>', 'only of these jobs').argParser(globs);
