// What is answered to bytes that are no HTTP request, or to one that did not come in time: as Node does by default, and counted.
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GatewayRecorder } from '../recorder.js';

/** By the code of Node's error; any other is 400. */
const STATUS: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** The answer that is under way on a connection; Node has it in no public place. */
export function answerOn(stream: Duplex): ServerResponse | undefined {
  return (stream as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

export function answerClientErrors(server: Server, recorder: Pick<GatewayRecorder, 'limited'>): void {
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const status = STATUS[error.code ?? ''] ?? 400;
    if (status === 408) recorder.limited('request_time');
    if (stream.writable && !answerOn(stream)?.headersSent)
      stream.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
    stream.destroy();
  });
}
