// A form for the token that a gateway requires. It is kept for this browser tab only.
import { useState } from 'preact/hooks';
import { TOKEN_KEY } from '../../page/token.js';

export function TokenForm() {
  const [token, setToken] = useState('');
  return (
    <form
      class="token-form"
      onSubmit={(event) => {
        event.preventDefault();
        sessionStorage.setItem(TOKEN_KEY, token.trim());
        location.reload();
      }}
    >
      <label>
        Token{' '}
        <input
          type="password"
          autocomplete="off"
          required
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  );
}
