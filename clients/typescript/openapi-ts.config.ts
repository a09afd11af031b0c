import { readFileSync } from 'node:fs';

import { defineConfig } from '@hey-api/openapi-ts';

const contracts = process.env['CONTRACTS'] ?? '../../contracts';
const registry: Record<string, object> = JSON.parse(readFileSync(`${contracts}/problem-codes.json`, 'utf8'));
const codes = Object.values(registry).flatMap(Object.keys);

export default defineConfig({
  input: `${contracts}/openapi.json`,
  output: 'generated',
  logs: { file: false },
  parser: {
    patch: {
      schemas: {
        // The document leaves `code` open, since a newer server may know more codes. A type that is checked when one
        // compiles, and never when a reply is read, can name those of today.
        Problem: (schema) => {
          Object.assign(schema.properties?.['code'] ?? {}, { enum: codes.sort() });
        },
      },
    },
  },
  plugins: ['@hey-api/client-fetch', '@hey-api/sdk', '@hey-api/typescript'],
});
