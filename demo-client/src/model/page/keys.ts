// The keys of the page: one table, which the handler, the help and the palette read. Pure.

export interface Binding {
  /** Each is a key, with its modifiers, or a sequence of keys: `g f`, `Ctrl k`, `Shift ArrowDown`. */
  keys: readonly string[];
  label: string;
  room: 'Everywhere' | 'Go to' | 'Lists' | 'Jobs' | 'One job' | 'Events';
}

export const BINDINGS = {
  help: { keys: ['?'], label: 'Show all keys', room: 'Everywhere' },
  palette: { keys: ['Ctrl k'], label: 'Commands, jobs and sources by name', room: 'Everywhere' },
  filter: { keys: ['/'], label: 'Type into the filter', room: 'Everywhere' },
  'copy-link': { keys: ['y'], label: 'Copy a link to this view', room: 'Everywhere' },
  utc: { keys: ['u'], label: 'Times local, or in UTC', room: 'Everywhere' },
  theme: { keys: ['t'], label: 'Light, dark, or as the system', room: 'Everywhere' },
  notify: { keys: ['n'], label: 'Desktop notifications on, or off', room: 'Everywhere' },
  fleet: { keys: ['g f', '1'], label: 'Fleet', room: 'Go to' },
  events: { keys: ['g e', '2'], label: 'Events', room: 'Go to' },
  console: { keys: ['g c', '3'], label: 'Console', room: 'Go to' },
  active: { keys: ['g a'], label: 'Active jobs', room: 'Go to' },
  ended: { keys: ['g n'], label: 'Runs that have ended', room: 'Go to' },
  all: { keys: ['g l'], label: 'All jobs', room: 'Go to' },
  next: { keys: ['j', 'ArrowDown'], label: 'Next row', room: 'Lists' },
  previous: { keys: ['k', 'ArrowUp'], label: 'Previous row', room: 'Lists' },
  'page-down': { keys: ['PageDown'], label: 'Ten rows down', room: 'Lists' },
  'page-up': { keys: ['PageUp'], label: 'Ten rows up', room: 'Lists' },
  first: { keys: ['g g', 'Home'], label: 'First row', room: 'Lists' },
  last: { keys: ['G', 'End'], label: 'Last row', room: 'Lists' },
  open: { keys: ['Enter'], label: 'Open', room: 'Lists' },
  choose: { keys: ['Space'], label: 'Choose, or not', room: 'Jobs' },
  'choose-down': { keys: ['J', 'Shift ArrowDown'], label: 'Choose down to the next row', room: 'Jobs' },
  'choose-up': { keys: ['K', 'Shift ArrowUp'], label: 'Choose up to the previous row', room: 'Jobs' },
  'choose-all': { keys: ['*'], label: 'Choose all that match the filter', room: 'Jobs' },
  release: { keys: ['Escape'], label: 'Choose none', room: 'Jobs' },
  menu: { keys: ['m'], label: 'Actions for this row', room: 'Jobs' },
  act: { keys: ['M'], label: 'Actions for all that are chosen', room: 'Jobs' },
  group: { keys: ['o'], label: 'Group by source, or not', room: 'Jobs' },
  fold: { keys: ['z'], label: 'Close or open all groups', room: 'Jobs' },
  abort: { keys: ['a'], label: 'Abort… (the chosen jobs, else this one)', room: 'One job' },
  json: { keys: ['x'], label: 'Show as JSON', room: 'One job' },
  back: { keys: ['Backspace'], label: 'Back to the fleet', room: 'One job' },
  pause: { keys: ['p'], label: 'Pause the events, or go on', room: 'Events' },
  important: { keys: ['i'], label: 'Important events only, or all', room: 'Events' },
} as const satisfies Readonly<Record<string, Binding>>;

export type ActionId = keyof typeof BINDINGS;
export const ACTION_IDS = Object.keys(BINDINGS) as ActionId[];

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** A key as the table writes it. Shift is part of a character, and named with other keys; Cmd counts as Ctrl. */
export function chordOf({ key, ctrlKey, metaKey, altKey, shiftKey }: Press): string {
  const name = key === ' ' ? 'Space' : key;
  const isCharacter = name.length === 1;
  const plain = (ctrlKey || metaKey) && isCharacter ? name.toLowerCase() : name;
  return `${ctrlKey || metaKey ? 'Ctrl ' : ''}${altKey ? 'Alt ' : ''}${shiftKey && !isCharacter ? 'Shift ' : ''}${plain}`;
}

export type Match = { kind: 'action'; id: ActionId } | { kind: 'begun' } | { kind: 'none' };

/** @param pressed what has been pressed, such as `g` or `g f`. @param isOffered whether an action can be done now. */
export function matchKeys(pressed: string, isOffered: (id: ActionId) => boolean): Match {
  const offered = ACTION_IDS.filter(isOffered);
  const keysOf = (id: ActionId): readonly string[] => BINDINGS[id].keys;
  const id = offered.find((each) => keysOf(each).includes(pressed));
  if (id !== undefined) return { kind: 'action', id };
  const isBegun = offered.some((each) => keysOf(each).some((keys) => keys.startsWith(`${pressed} `)));
  return { kind: isBegun && !/^(Ctrl|Alt|Shift)$/.test(pressed) ? 'begun' : 'none' };
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  Escape: 'Esc',
  PageDown: 'Page ↓',
  PageUp: 'Page ↑',
};

/** The keys of a binding as they are printed on a keyboard, one list for each way. */
export function keyCaps(keys: string): string[] {
  return keys
    .split(' ')
    .map((key) => NAMES[key] ?? (/^[a-z]$/.test(key) && keys.startsWith('Ctrl') ? key.toUpperCase() : key));
}
