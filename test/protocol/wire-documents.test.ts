// docs/asyncapi.yaml and docs/schemas: what they say is what src/protocol says. `npx vitest run --project unit test/protocol/wire-documents.test.ts -u` renews them.
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { METHOD_NAMES } from '../../src/protocol/schemas.js';
import { asyncApi, jsonSchemas } from '../support/wire-documents.js';

it('the AsyncAPI document is that of the schemas, and has every method', async () => {
  const text = asyncApi();
  const { operations } = parse(text) as { operations: Record<string, { action: string }> };
  expect(Object.keys(operations).filter((name) => operations[name]?.action === 'receive')).toEqual(METHOD_NAMES);
  await expect(text).toMatchFileSnapshot('../../docs/asyncapi.yaml');
});

it('the JSON Schemas are those of the schemas, and refer to each other by files that exist', async () => {
  const all = jsonSchemas();
  const refs = Object.values(all).flatMap((text) =>
    [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, file = '']) => file),
  );
  expect(refs.length).toBeGreaterThan(20);
  expect(refs.filter((file) => !Object.hasOwn(all, file))).toEqual([]);
  for (const [file, text] of Object.entries(all)) await expect(text).toMatchFileSnapshot(`../../docs/schemas/${file}`);
  expect(readdirSync('docs/schemas').sort()).toEqual(Object.keys(all).sort());
});
