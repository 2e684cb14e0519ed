// The token of this tab. In: what was typed before. Out: what the client is given; a gateway without authentication wants none.
export const TOKEN_KEY = 'token';

export function storedToken(): { token: string } | Record<string, never> {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token ? { token } : {};
}
