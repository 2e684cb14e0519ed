// Keys of a terminal. In: stdin. Out: the name of each key, until one that ends.
import { emitKeypressEvents } from 'node:readline';

export interface Keys {
  /** Resolves at ctrl-c, and when `press` says that it was enough; never where stdin is no terminal. */
  pressed: Promise<void>;
  /** Gives the terminal back as it was. */
  stop(): void;
}

/** `press` gets names as readline has them (`up`, `pagedown`, `a`) and returns whether that was the last. */
export function readKeys(press: (key: string) => boolean): Keys {
  const { stdin } = process;
  const pressed = new Promise<void>((resolve) => {
    if (!stdin.isTTY) return;
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on('keypress', (_text: string | undefined, key: { name?: string; ctrl?: boolean }) => {
      if (key.ctrl ? key.name === 'c' : press(key.name ?? '')) resolve();
    });
  });
  return {
    pressed,
    stop: () => {
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
