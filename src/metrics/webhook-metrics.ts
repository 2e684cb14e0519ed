// What came of the POSTs of each webhook, whether it is posted here, and how far it is behind.
import type { WebhookCounts } from '../webhooks/index.js';
import type { Families, Sample } from './families.js';

export interface WebhookReaders {
  webhooks: () => readonly WebhookCounts[];
}

export function openWebhookMetrics(families: Families, { webhooks }: WebhookReaders): void {
  families.counts(
    'webhook_deliveries_total',
    'POSTs by what came of them; ok: 2xx, rejected: 4xx but 408 and 429, failed: all else',
    ['webhook', 'result'],
    () =>
      webhooks().flatMap(({ name: webhook, results }) =>
        Object.entries(results).map(([result, count]): Sample => [{ webhook, result }, count]),
      ),
  );
  families.gauges(
    'webhook_posting',
    '1: this gateway posts the webhook; 0: another member of the cluster does, or none',
    ['webhook'],
    () => webhooks().map(({ name: webhook, isPosting }): Sample => [{ webhook }, Number(isPosting)]),
  );
  families.gauges('webhook_lag_seconds', 'Age of the oldest entry that is not delivered', ['webhook'], () =>
    webhooks().map(({ name: webhook, lagSeconds }): Sample => [{ webhook }, lagSeconds]),
  );
  families.counts(
    'webhook_dead_letters_total',
    'Deliveries that were rejected so often that they are not repeated',
    ['webhook'],
    () => webhooks().map(({ name: webhook, deadLetters }): Sample => [{ webhook }, deadLetters]),
  );
}
