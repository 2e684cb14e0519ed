// Keys as they are printed on a keyboard.
import { keyCaps } from '../../model/page/keys.js';

export function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span class="keys">
      {keys.map((each, n) => (
        <span key={each}>
          {n > 0 && <span class="muted small"> or </span>}
          {keyCaps(each).map((cap) => (
            <kbd key={cap}>{cap}</kbd>
          ))}
        </span>
      ))}
    </span>
  );
}
