// What can be done now: each part of the page offers its actions while it is shown. Keys and the palette run them.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ACTION_IDS, type ActionId } from '../model/page/keys.js';

type Actions = Partial<Record<ActionId, () => void>>;
type Offer = () => Actions;

/** The newest offer of an action is the one that is run. */
const offers = signal<readonly Offer[]>([]);

const find = (id: ActionId): (() => void) | undefined =>
  offers.peek().reduce<(() => void) | undefined>((found, offer) => offer()[id] ?? found, undefined);

export const isOffered = (id: ActionId): boolean => find(id) !== undefined;
export const offeredActions = (): ActionId[] => ACTION_IDS.filter(isOffered);
export const runAction = (id: ActionId): void => find(id)?.();

/** Offers them while the component is shown, also to the next key after the page has changed. */
export function useActions(actions: Actions): void {
  const latest = useRef(actions);
  latest.current = actions;
  useLayoutEffect(() => {
    const offer: Offer = () => latest.current;
    offers.value = [...offers.peek(), offer];
    return () => {
      offers.value = offers.peek().filter((each) => each !== offer);
    };
  }, []);
}
