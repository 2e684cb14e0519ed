// The limit of ingest: split and JSON.parse, nothing kept.  parse.js FEED
import { followFeed, ready } from './feed.js';

let seen = 0;
followFeed(process.argv[2], (events) => {
  for (const event of events) if (JSON.parse(event).event === 'JOB_STATUS_CHANGE') seen += 1;
});
process.on('exit', () => seen);
ready(0);
