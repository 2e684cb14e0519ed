// npm ci --prefix scripts/asyncapi --ignore-scripts && node scripts/asyncapi/check.mjs
// Exits with 1 if docs/asyncapi.yaml is no valid AsyncAPI 3 document. Scripts of its packages are not run: one of them sends telemetry.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(
  readFileSync(new URL('../../docs/asyncapi.yaml', import.meta.url), 'utf8'),
);
// 0: error, 1: warning.
const problems = diagnostics.filter(({ severity }) => severity <= 1);
for (const { severity, message, path } of problems)
  console.log(severity === 0 ? 'error' : 'warning', path.join('.'), message);
if (!document || problems.some(({ severity }) => severity === 0)) process.exit(1);
console.log(
  `docs/asyncapi.yaml: AsyncAPI ${document.version()}, ${document.allOperations().length} operations, ${document.allMessages().length} messages`,
);
