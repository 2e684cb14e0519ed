// In place of the rows, where there are none: why, and what to do.
import { changeListing, listing } from '../../page/location.js';
import { Notice } from '../parts/notice.js';

interface NoRowsProps {
  /** Before the filter. */
  total: number;
  /** The gateway keeps a history. */
  isKept: boolean;
  /** It could not be read. */
  isUnread: boolean;
}

export function NoRows({ total, isKept, isUnread }: NoRowsProps) {
  if (total > 0) {
    return (
      <Notice title="No job matches the filter">
        <button type="button" onClick={() => changeListing({ filter: '' })}>
          Clear the filter
        </button>
      </Notice>
    );
  }
  return listing().tab === 'ended' ? (
    <Notice title={isUnread ? 'Nothing has ended while this page was open' : 'Nothing has ended yet'}>
      Runs that end are kept here with their outcome{isKept ? '' : ' for 24 hours'}.
    </Notice>
  ) : (
    <Notice title="No job is running">
      Start one in a VM, for instance <code>virsh blockcopy</code> or QMP <code>blockdev-mirror</code>: it appears here
      by itself.
    </Notice>
  );
}
