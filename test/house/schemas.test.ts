import { expect, it } from 'vitest';
import { z } from 'zod';
import { yamlSchemas } from '../../src/inventory/yaml-form.js';

it.each(Object.entries(yamlSchemas))('schemas/%s.schema.json is what the reader accepts', async (name, schema) => {
  const text = `${JSON.stringify(z.toJSONSchema(schema), null, 2)}\n`;

  // `npx vitest run test/house/schemas.test.ts --update` writes them.
  await expect(text).toMatchFileSnapshot(`../../schemas/${name}.schema.json`);
});
