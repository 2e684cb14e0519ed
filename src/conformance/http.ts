// Plain HTTP requests with any headers: `fetch` refuses to send `Host` and `Origin`.
import { type ClientRequest, type IncomingHttpHeaders, request as plain, type RequestOptions } from 'node:http';
import { request as secure } from 'node:https';
import type { Timer } from './timer.js';
import { ClauseFailed } from './verdict.js';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether the body so far is enough: for a body that does not end. Default: all of it is read. */
  readonly isEnough?: (body: string) => boolean;
}

/** Fails the clause if there is no whole answer within the bound. */
export function fetchText(url: URL, given: HttpRequest, timeoutMs: number, timer: Timer): Promise<HttpAnswer> {
  const { method = 'GET', headers = {}, body, isEnough = () => false } = given;
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { method, headers, agent: false };
    const sent: ClientRequest = (url.protocol === 'https:' ? secure : plain)(url, options);
    const cancel = timer(timeoutMs, () => {
      reject(new ClauseFailed(`${method} ${url.pathname}: no whole answer within ${timeoutMs} ms`));
      sent.destroy();
    });
    sent.on('close', cancel);
    sent.on('error', (error) => reject(new ClauseFailed(`${method} ${url.pathname}: ${error.message}`)));
    sent.on('response', (response) => {
      let text = '';
      const done = (): void => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (!isEnough(text)) return;
        done();
        sent.destroy();
      });
      response.on('end', done);
      response.on('error', () => undefined);
    });
    sent.end(body);
  });
}
