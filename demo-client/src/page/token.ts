// The token of this browser tab, as typed. A gateway without authentication needs none.
import type { Gate } from '../model/page/commands.js';

export const TOKEN_KEY = 'token';

export function storedToken(): { token: string } | Record<string, never> {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token ? { token } : {};
}

export const hasToken = (): boolean => sessionStorage.getItem(TOKEN_KEY) !== null;

/** The gateway of this page, for commands that are copied. */
export const thisGate = (): Gate => ({ url: document.baseURI.replace(/[#?].*$/, ''), hasToken: hasToken() });
