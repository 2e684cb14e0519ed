// Forms that several settings have: one of some words, and the text of a file.
import { readFileSync } from 'node:fs';
import type { Settings } from './given.js';
import type { TextSetting } from './names.js';
import type { Given, Problems } from './problem.js';

/** @param normally where it is not given, or is none of them. */
export function oneOf<Value extends string>(
  settings: Settings,
  name: TextSetting,
  values: readonly Value[],
  normally: Value,
  problems: Problems,
): Value {
  const given = settings.one(name);
  const found = given ? values.find((each) => each === given.value) : normally;
  if (given && !found) problems.of(given, `one of ${values.join(' ')}`);
  return found ?? normally;
}

/** Empty where the file can't be read, which is then a problem. */
export function readText({ value, place }: Given<string>, problems: Problems): string {
  try {
    return readFileSync(value, 'utf8');
  } catch (error) {
    problems.file(place, value, error);
    return '';
  }
}
