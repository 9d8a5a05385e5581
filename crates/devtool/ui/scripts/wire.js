// Writes src/wire.ts, or the file that is named: the types of ../openapi.json, so that the compiler checks this page against what the server documents.
import { readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../', import.meta.url);
const { components } = JSON.parse(readFileSync(new URL('../openapi.json', folder), 'utf8'));

/** Schemas whose numbers may be above 2^53. */
const EXACT = new Set(['Gas', 'SignedGas']);

function type(schema, name) {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (EXACT.has(name)) return 'number | bigint';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map((choice) => type(choice)).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((one) => type({ ...schema, type: one })).join(' | ');
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'array': {
      const item = type(schema.items ?? {});
      return schema.maxItems === 2 && schema.minItems === 2 ? `[${item}, ${item}]` : `(${item})[]`;
    }
    case 'object':
      return object(schema);
    case undefined:
      return 'unknown';
    default:
      return schema.type;
  }
}

function object({ properties, required = [], additionalProperties }) {
  if (!properties) return `Record<string, ${additionalProperties ? type(additionalProperties) : 'unknown'}>`;
  const fields = Object.entries(properties).map(
    ([key, value]) => `${/^\w+$/.test(key) ? key : JSON.stringify(key)}${required.includes(key) ? '' : '?'}: ${type(value)};`,
  );
  return `{\n${fields.map((field) => field.replace(/^/gm, '  ')).join('\n')}\n}`;
}

const types = Object.entries(components.schemas).map(([name, schema]) => {
  const about = schema.description ? `/** ${schema.description} */\n` : '';
  return `${about}export type ${name} = ${type(schema, name)};\n`;
});
const text = `// Written by scripts/wire.js from ../openapi.json; not to be edited.\n\n${types.join('\n')}`;
writeFileSync(process.argv[2] ?? new URL('src/wire.ts', folder), text);
