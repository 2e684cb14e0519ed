// Whether a stream holds its writers to the place that they name. Pure.

/**
 * The first version that does so where the stream has copies: before it, two messages that name one place and come at once may both be taken
 * (https://github.com/nats-io/nats-server/issues/4320). A stream on one server has always done it.
 */
export const FENCED_SINCE = '2.9.21';

/** @param version of the server, as it says itself; one that says none counts as new enough. */
export const isFenceSure = (version: string | undefined, replicas: number): boolean =>
  replicas <= 1 || version === undefined || version.localeCompare(FENCED_SINCE, 'en', { numeric: true }) >= 0;
