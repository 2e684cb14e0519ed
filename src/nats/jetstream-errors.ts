// The errors of JetStream that the gateway distinguishes, by their codes.

/** No stream has this name. */
export const STREAM_NOT_FOUND = 10_059;
/** Another message of the subject came first; of a bucket: the key has another revision. */
export const WRONG_LAST_SEQUENCE = 10_071;
/** The stream has no such message. */
export const NO_MESSAGE = 10_037;

export const codeOf = (error: unknown): number | undefined => (error as { code?: number } | undefined)?.code;

/** The permissions of the member do not have the call. */
export const isForbidden = (error: unknown): boolean => /permissions violation/i.test(String(error));
