import type { BillOptions } from './bill-of-materials.js';
import type { ImageContents } from './open.js';

/**
 * The bill of materials of an image, see `bill-of-materials.ts`. The libraries that know its formats
 * take a third of a second to load, which other commands need not wait for.
 * @throws StackwrightError `BillFormatUnknown`, `ImageWithoutPackages`
 */
export async function billOfMaterials(contents: ImageContents, format: string, options?: BillOptions): Promise<string> {
  const bill = await import('./bill-of-materials.js');
  return bill.billOfMaterials(contents, format, options);
}
