// Where a consumer's position is kept, so that it goes on from there after its own restart.
import type { Cursor } from '../protocol/types.js';

/** `qmp-gateway/client/file-store` and `qmp-gateway/client/local-store` have one each; an object of your own will do. */
export interface CursorStore {
  /** The cursor that was saved last; `undefined`: none was. */
  load(): Cursor | undefined | Promise<Cursor | undefined>;
  /** Replaces it. A rejection ends the stream. */
  save(cursor: Cursor): void | Promise<void>;
}
