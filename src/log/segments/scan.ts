// Reads a file of the log from its beginning: every record that is whole and belongs to a whole append.
import type { Disk } from './disk.js';
import { headProblem, type RecordHead, readRecord, SEGMENT_HEAD_BYTES } from './record.js';
import type { Segment } from './segment.js';

/** Bytes that are read, and looked through, at once: at a start, and beside live traffic. */
export const CHUNK = { start: 4 * 1024 * 1024, live: 256 * 1024 };

export interface FoundRecord {
  head: RecordHead;
  text: Buffer;
}

/**
 * How a file ends. `whole`: with its last append. `cut`: within one, as a process leaves it that is killed while it writes. `damaged`: bytes were changed, or
 * an entry is missing. `foreign`: it is of another folder.
 */
export type ScanEnd = 'whole' | 'cut' | 'damaged' | 'empty' | 'foreign';

/**
 * Indexes the file and reports its records.
 *
 * @param found called for each, an append at a time; `text` is valid during the call.
 */
export async function scan(
  segment: Segment,
  folder: string,
  disk: Pick<Disk, 'read'>,
  found: (record: FoundRecord) => void,
  chunk: number = CHUNK.start,
): Promise<ScanEnd> {
  const fileBytes = segment.size;
  const problem = headProblem(await disk.read(segment.path, 0, SEGMENT_HEAD_BYTES), folder, segment.first);
  if (problem) return problem;
  segment.size = SEGMENT_HEAD_BYTES;
  /** Position in the file of the bytes that were read, and of the next record. */
  let [begin, at] = [SEGMENT_HEAD_BYTES, SEGMENT_HEAD_BYTES];
  let bytes: Buffer = Buffer.alloc(0);
  let expected = segment.first;
  let append: { head: RecordHead; text: Buffer; position: number; next: number }[] = [];
  for (;;) {
    const read = readRecord(bytes, at - begin);
    if (read.kind === 'damaged') return 'damaged';
    if (read.kind === 'cut') {
      if (begin + bytes.length >= fileBytes) return at === fileBytes && append.length === 0 ? 'whole' : 'cut';
      // The texts of an append that is not whole yet are in the bytes that are replaced.
      for (const each of append) each.text = Buffer.from(each.text);
      begin = at;
      bytes = await disk.read(segment.path, begin, Math.min(fileBytes - begin, Math.max(chunk, read.needs)));
      if (bytes.length === 0) return 'cut';
      continue;
    }
    if (read.head.offset !== expected) return 'damaged';
    expected += 1;
    const next = begin + read.next;
    append.push({ head: read.head, text: read.text, position: at, next });
    at = next;
    if (read.head.hasMore) continue;
    for (const each of append) {
      segment.add(each.head.offset, each.position, each.next, each.head.at);
      if (!each.head.isInternal) segment.shown += 1;
      found(each);
    }
    append = [];
  }
}
