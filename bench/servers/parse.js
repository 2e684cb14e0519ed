// The limit of ingest: split and JSON.parse; nothing is kept, or with `keep` as many events as the gateway's log has of one source.
// parse.js FEED [keep]
import { followFeed, ready } from './feed.js';

const [feed, form] = process.argv.slice(2);
const kept = form === 'keep' ? Array(16_384) : undefined;
let seen = 0;
followFeed(feed, (events) => {
  for (const text of events) {
    const event = JSON.parse(text);
    if (event.event === 'JOB_STATUS_CHANGE') seen += 1;
    if (kept) kept[seen % kept.length] = event;
  }
});
process.on('exit', () => seen);
ready(0);
