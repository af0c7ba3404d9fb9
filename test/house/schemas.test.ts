import { expect, it } from 'vitest';
import { z } from 'zod';
import { Layout } from '../../src/inventory/layout/schema.js';
import { yamlSchemas } from '../../src/inventory/yaml-form.js';

const schemas = { ...yamlSchemas, layout: Layout };

it.each(Object.entries(schemas))('schemas/%s.schema.json is what the reader accepts', async (name, schema) => {
  const text = `${JSON.stringify(z.toJSONSchema(schema, { io: 'input' }), null, 2)}\n`;

  // `npx vitest run test/house/schemas.test.ts --update` writes them.
  await expect(text).toMatchFileSnapshot(`../../schemas/${name}.schema.json`);
});
