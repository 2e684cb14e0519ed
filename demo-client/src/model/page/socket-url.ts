// The URL of the gateway's WebSocket: beside the page, under the same path of a proxy. Pure.

export function socketUrl(page: string): string {
  const url = new URL('v1', page);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
