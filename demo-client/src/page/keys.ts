// The keyboard: what is pressed, by the table of keys, runs an action that is offered.
import { chordOf, matchKeys } from '../model/page/keys.js';
import { isOffered, runAction } from './actions.js';

/** Milliseconds within which the next key of a sequence must come. */
const SEQUENCE_MS = 1_500;

/** Keys that a button, a link or a box has a use for of its own. */
function isTaken(chord: string, target: HTMLElement): boolean {
  // Not in a row: the focus comes to a row that was not drawn yet later than the keyboard does.
  if (chord === 'Enter')
    return target.closest('[data-index]') === null && target.closest('a, button, summary') !== null;
  return chord === 'Space' && target.closest('button, summary, input') !== null;
}

export function listenToKeys(): void {
  let begun = { keys: '', at: 0 };
  addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement;
    const chord = chordOf(event);
    if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key) || event.defaultPrevented) return;
    // A dialog has its own keys.
    if (document.querySelector('dialog[open]')) return;
    const isField = target.closest('textarea, select, input:not([type="checkbox"])') !== null;
    if (isField) {
      if (chord === 'Escape') target.blur();
      if (!chord.startsWith('Ctrl')) return;
    }
    if (isTaken(chord, target)) return;
    const before = event.timeStamp - begun.at < SEQUENCE_MS ? begun.keys : '';
    let match = matchKeys(before === '' ? chord : `${before} ${chord}`, isOffered);
    if (match.kind === 'none' && before !== '') match = matchKeys(chord, isOffered);
    begun = { keys: match.kind === 'begun' ? chord : '', at: event.timeStamp };
    if (match.kind === 'none') return;
    event.preventDefault();
    if (match.kind === 'action') runAction(match.id);
  });
}
