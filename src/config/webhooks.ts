// Webhooks, from the file of settings; the keys of their signatures may be in files of their own.
import { readFileSync } from 'node:fs';
import { isSecret, SECRET_FORM, settingsOf, type WebhookSettings } from '../webhooks/index.js';
import type { Settings } from './given.js';
import type { Problems } from './problem.js';

export function readWebhooks(settings: Settings, problems: Problems): WebhookSettings[] {
  return (settings.ofFile('webhooks') ?? []).map((each, at) => {
    if (each.secretFile === undefined) return settingsOf(each, each.secret ?? '');
    const path = settings.fromFile(each.secretFile);
    const place = settings.placeOf('webhooks', at, 'secretFile');
    let secret = '';
    try {
      secret = readFileSync(path, 'utf8').trim();
      if (!isSecret(secret)) problems.add(`${place} ${path}: ${SECRET_FORM}`);
    } catch (error) {
      problems.file(place, path, error);
    }
    return settingsOf(each, secret);
  });
}
