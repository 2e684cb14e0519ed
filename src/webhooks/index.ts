// webhooks: entries of the log POSTed to receivers, at least once and in order.
export { WEBHOOK_LIMITS, type WebhookLimits } from './limits.js';
export { FilePositions } from './position-file.js';
export { type Positions, readSaved, toSaved } from './positions.js';
export { isSecret, SECRET_FORM, settingsOf, WEBHOOKS, type WebhookSettings } from './settings.js';
export { type WebhookChanges, type WebhookCounts, Webhooks } from './webhooks.js';
