// Keys of a terminal: reads stdin until a key ends it.
import { emitKeypressEvents } from 'node:readline';

export interface Keys {
  /** Resolves at ctrl-c, or when `press` returns true; never if stdin is not a terminal. */
  pressed: Promise<void>;
  /** Restores the terminal's mode. */
  stop(): void;
}

/** `press` gets names of keys as readline has them (`up`, `pagedown`, `a`, `?`) and returns whether that ends the reading. */
export function readKeys(press: (key: string) => boolean): Keys {
  const { stdin } = process;
  const pressed = new Promise<void>((resolve) => {
    if (!stdin.isTTY) return;
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on('keypress', (text: string | undefined, key: { name?: string; ctrl?: boolean }) => {
      if (key.ctrl ? key.name === 'c' : press(key.name ?? text ?? '')) resolve();
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
