// What is answered to bytes that are no HTTP request, or to one that did not come in time: as Node does by default, and counted.
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { GatewayRecorder } from '../recorder.js';

/** By the code of Node's error; any other is 400. */
const STATUS: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

export function answerClientErrors(server: Server, recorder: Pick<GatewayRecorder, 'limited'>): void {
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const status = STATUS[error.code ?? ''] ?? 400;
    if (status === 408) recorder.limited('request_time');
    // The answer that is under way on this connection; Node has it in no public place.
    const { _httpMessage: answer } = stream as Socket & { _httpMessage?: ServerResponse | null };
    if (stream.writable && !answer?.headersSent)
      stream.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
    stream.destroy();
  });
}
