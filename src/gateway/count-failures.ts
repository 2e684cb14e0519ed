// The access policy of the gateway, with its refusals counted.
import { type Access, afterAuthentication } from '../access/index.js';
import type { GatewayRecorder } from './recorder.js';

export function countFailures(access: Access, recorder: GatewayRecorder): Access {
  return {
    changes$: access.changes$,
    authenticate(credentials, transport) {
      const authentication = access.authenticate(credentials, transport);
      afterAuthentication(authentication, (answer) => {
        if (answer.ok) return;
        if (credentials.token !== undefined || answer.error.reason !== 'UNAUTHENTICATED')
          recorder.authenticationFailed('refused');
        // The upgrade of a browser has no token: its first message is `authenticate`.
        else if (transport.kind !== 'websocket') recorder.authenticationFailed('missing');
      });
      return authentication;
    },
  };
}
