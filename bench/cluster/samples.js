// Samples by name, one a round.

/** Adds one sample of each figure. @param names where they belong. */
export function add(figures, names, sample) {
  let at = figures;
  for (const name of names) {
    at[name] ??= {};
    at = at[name];
  }
  for (const [name, value] of Object.entries(sample)) {
    at[name] ??= [];
    at[name].push(value);
  }
}
