// The client's state as a short label, a sentence and a tone. Pure.
import type { ClientState } from 'qmp-gateway/client';
import { formatDuration } from 'qmp-gateway/protocol';
import type { Tone } from '../run/outcome.js';

export interface LinkText {
  label: string;
  detail: string;
  tone: Tone;
}

export function linkText(state: ClientState, now: number): LinkText {
  switch (state.phase) {
    case 'open':
      return { label: 'Live', detail: `Connected for ${formatDuration(now - state.since)}.`, tone: 'good' };
    case 'authenticating':
      return { label: 'Signing in', detail: 'Connected; the gateway checks the token.', tone: 'calm' };
    case 'connecting':
      return state.attempt === 0
        ? { label: 'Connecting', detail: 'Opening the connection to the gateway.', tone: 'calm' }
        : {
            label: 'Reconnecting',
            detail: `Attempt ${state.attempt + 1}. The figures may be out of date.`,
            tone: 'warn',
          };
    case 'waiting': {
      const left = Math.max(0, state.retryAt - now);
      const { cause, code, detail } = state.reason;
      const why = `${CAUSE_TEXT[cause]}${code === 1006 ? '' : ` (${code})`}${detail ? `: ${detail}` : ''}`;
      return {
        label: `Offline, retry in ${Math.ceil(left / 1_000)} s`,
        detail: `${why}. Attempt ${state.attempt + 1} follows; the stream resumes from its cursor. The figures may be out of date.`,
        tone: 'warn',
      };
    }
    case 'closed':
      return state.reason.cause === 'asked'
        ? { label: 'Closed', detail: 'This page has closed its connection.', tone: 'calm' }
        : {
            label: 'Closed',
            detail: `${CAUSE_TEXT[state.reason.cause]}: ${state.reason.detail}. Reload to try again.`,
            tone: 'bad',
          };
  }
}

const CAUSE_TEXT = {
  closed: 'The gateway closed the connection',
  bye: 'The gateway said goodbye',
  unreachable: 'The gateway cannot be reached',
  silent: 'No frame for 40 s',
  garbled: 'A frame was not of this protocol',
  unanswered: 'The gateway did not answer',
  refused: 'The gateway refused the token',
  token: 'No token could be had',
} as const;
