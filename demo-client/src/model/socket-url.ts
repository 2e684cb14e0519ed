// The gateway's WebSocket: beside the page, under whatever path a proxy has put both. Pure.

export function socketUrl(page: string): string {
  const url = new URL('v1', page);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
