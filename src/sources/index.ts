// sources: named monitors, each kept connected by itself.
export { backoff } from './backoff.js';
export { compareIdentity, type Identity, observe, socketBirth } from './identity.js';
export { formatAddress, parseSource, type Source } from './source.js';
export { type SourceSignal, SUPERVISE_DEFAULTS, type SuperviseOptions, supervise } from './supervise.js';
