// Banners for a lost connection, gaps, and a refused subscription.
import { describeGap } from 'qmp-gateway/protocol';
import type { Gateway } from '../../gateway/gateway.js';
import { moment } from '../../model/page/clock.js';
import { linkText } from '../../model/page/link.js';
import { jobHref } from '../../model/page/route.js';
import { now } from '../../page/now.js';
import { hasToken } from '../../page/token.js';
import { zone } from '../../page/zone.js';
import { TokenForm } from './token-form.js';

export function Banners({ gateway }: { gateway: Gateway }) {
  return (
    <div class="banners">
      <div role="status">
        <Offline gateway={gateway} />
      </div>
      <div role="alert">
        <Reset gateway={gateway} />
        <Refused gateway={gateway} />
      </div>
    </div>
  );
}

function Refused({ gateway }: { gateway: Gateway }) {
  const failure = gateway.failure.value;
  if (!failure || asksWho(gateway)) return null;
  return (
    <p class="banner tone-bad">
      <strong>The gateway refused the subscription.</strong> {failure}. Reload to try again.
    </p>
  );
}

/** The gateway wants a token, or another one: refused before the first was given, or closed because of it. */
function asksWho(gateway: Gateway): boolean {
  const state = gateway.state.value;
  if (state.phase === 'closed' && 'code' in state.reason) return [4401, 4403, 4408].includes(state.reason.code);
  return gateway.failure.value?.startsWith('UNAUTHENTICATED') ?? false;
}

function Offline({ gateway }: { gateway: Gateway }) {
  const state = gateway.state.value;
  if (asksWho(gateway) && !hasToken())
    return (
      <div class="banner tone-calm" data-testid="sign-in">
        <p>
          <strong>Sign in.</strong> This gateway asks for a token; its operator makes one with{' '}
          <code>qmp-gateway token new</code>.
        </p>
        <TokenForm />
      </div>
    );
  const first = state.phase === 'connecting' && state.attempt === 0;
  if (state.phase === 'open' || state.phase === 'authenticating' || first) return null;
  const { label, detail, tone } = linkText(state, now.value);
  return (
    <div class={`banner tone-${tone}`} data-testid="offline">
      <p>
        <strong>{label}.</strong> {detail}
      </p>
      {asksWho(gateway) && <TokenForm />}
    </div>
  );
}

function Reset({ gateway }: { gateway: Gateway }) {
  const gaps = gateway.gaps.value;
  const last = gaps.at(-1);
  if (!last) return null;
  const { at, gap } = last;
  return (
    <div class="banner tone-warn" data-testid="reset">
      <p>
        <strong>Reset at {moment(at, Date.now(), zone.value)}.</strong> {describeGap(gap.reason)} Events between{' '}
        <code>{gap.after}</code> and <code>{gap.cursor}</code> may be missing here. The jobs shown are fresh.
        <Unseen gateway={gateway} />
        {gaps.length > 1 && ` Resets so far: ${gaps.length}.`}
      </p>
      <button type="button" class="quiet" onClick={gateway.dismissGaps}>
        Understood
      </button>
    </div>
  );
}

/** The gateway of the new log does not know how these ended. */
function Unseen({ gateway }: { gateway: Gateway }) {
  const runs = [...gateway.unseen.value.values()];
  if (runs.length === 0) return null;
  return (
    <span data-testid="unseen">
      {' '}
      Gone without an ending that anybody saw, outcome unknown:{' '}
      {runs.slice(0, 5).map(({ source, job, run }, n) => (
        <>
          {n > 0 && ', '}
          <a href={jobHref(source, job, run)}>
            {source} / {job}
          </a>
        </>
      ))}
      {runs.length > 5 && ` and ${runs.length - 5} more, under Ended`}.
    </span>
  );
}
