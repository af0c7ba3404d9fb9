import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StackwrightError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { formatPythonLiteral, PythonTuple, parsePythonLiteral, pythonValue } from '../base/python-literal.js';
import { factsOfHardware, isHardware } from './hardware.js';

/** Class, instance, key, value. */
export type Fact = readonly [string, string, string, string];

/** Most bytes of a facts file that are read. */
export const FACTS_SIZE_LIMIT = 4 * 1024 * 1024;

// NUL and lone surrogates cannot be stored in PostgreSQL.
const FactText = z
  .string()
  .max(4096)
  .refine((text) => !/[\0\p{Surrogate}]/u.test(text), 'holds a character that cannot be stored');

/** What a machine posts: eDeploy's list of 4-tuples. */
export const Facts = z.array(z.tuple([FactText, FactText, FactText, FactText])).max(20_000);
export type Facts = readonly Fact[];

/**
 * Reads facts as JSON (what eDeploy's ramdisk posts), as a Python list of tuples (a `.hw` file), or as
 * the raw bundle of our ramdisk, of which they are made.
 * @throws StackwrightError `FactsInvalid`, `PythonLiteralInvalid`
 */
export function parseFacts(text: string, file: string): Facts {
  if (Buffer.byteLength(text) > FACTS_SIZE_LIMIT) {
    throw new StackwrightError('FactsInvalid', 'the facts are too large', {
      file,
      value: `${Buffer.byteLength(text)} bytes`,
      hint: `at most ${FACTS_SIZE_LIMIT} bytes are read`,
    });
  }
  const value = isHardware(text) ? factsOfHardware(text) : (parseJson(text) ?? plainLists(text, file));
  const result = Facts.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [index] = issue?.path ?? [];
  throw new StackwrightError('FactsInvalid', `the facts are not a list of 4 strings each: ${issue?.message ?? ''}`, {
    file,
    value: index === undefined ? undefined : `entry ${Number(index) + 1}`,
    hint: 'facts are lines such as ["disk", "vda", "size", "4"]',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function plainLists(text: string, file: string): unknown {
  const value = pythonValue(parsePythonLiteral(text, file), file);
  return Array.isArray(value) ? value.map((item) => (item instanceof PythonTuple ? item.items : item)) : value;
}

/** What a machine says about itself before or in its facts. */
export interface MachineTraits {
  uuid?: string;
  serial?: string;
  mac?: string;
}

export function traitsOf(facts: Facts): MachineTraits {
  return {
    uuid: wordOf(facts, 'system', 'product', 'uuid'),
    serial: wordOf(facts, 'system', 'product', 'serial'),
    mac: facts.find(([kind, , key, value]) => kind === 'network' && key === 'serial' && isMac(value))?.[3],
  };
}

/**
 * What tells a machine from others: DMI UUID, else serial number, else first MAC; lower case.
 * Placeholders that vendors leave in are passed over.
 * @throws StackwrightError `MachineUnidentified`
 */
export function identityOf({ uuid, serial, mac }: MachineTraits): string {
  const found = [uuid, serial].find(isGenuine) ?? (mac && isMac(mac) ? mac : undefined);
  if (found === undefined) {
    throw new StackwrightError('MachineUnidentified', 'the machine has no UUID, serial number or MAC of its own', {
      value: [uuid, serial, mac].filter(Boolean).join(', ') || 'nothing',
      hint: 'the facts need a line such as ["network", "eth0", "serial", "52:54:00:12:34:56"]',
    });
  }
  return found.trim().toLowerCase().slice(0, 200);
}

/** The name of the machine and of its `.hw` file: product, version, and serial number or first MAC. */
export function machineName(facts: Facts): string {
  const { serial, mac, uuid } = traitsOf(facts);
  const words = [wordOf(facts, 'system', 'product', 'name'), wordOf(facts, 'system', 'product', 'version')];
  const own = isGenuine(serial) ? serial : (mac?.toLowerCase().replaceAll(':', '-') ?? uuid ?? '');
  const parts = [...words.filter(isGenuine).map((word) => word.replaceAll(/\W+/g, '')), own.replaceAll(/[^\w-]+/g, '')];
  return parts.filter(Boolean).join('-').slice(0, 200) || 'machine';
}

/** Saves the facts as `NAME.hw` in eDeploy's form, readable by its owner only; the path. */
export async function saveFacts(directory: string, facts: Facts): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${machineName(facts)}.hw`);
  await writeFileAtomic(path, `${formatPythonLiteral(facts.map((fact) => new PythonTuple(fact)))}\n`, 0o600);
  await chmod(path, 0o600);
  return path;
}

function wordOf(facts: Facts, kind: string, instance: string, key: string): string | undefined {
  return facts.find((fact) => fact[0] === kind && fact[1] === instance && fact[2] === key)?.[3];
}

function isMac(text: string): boolean {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) && !/^(00|ff)(:\1){5}$/i.test(text);
}

/** Values that boards of different owners share. */
const placeholders = new Set([
  'none',
  'null',
  'unknown',
  'empty',
  'invalid',
  'default',
  'default string',
  'n/a',
  'na',
  'oem',
  'o.e.m.',
  'to be filled by o.e.m.',
  'to be filled by oem',
  'not specified',
  'not available',
  'not applicable',
  'not present',
  'not settable',
  'none specified',
  'system serial number',
  'system product name',
  'system version',
  'chassis serial number',
  'serial number',
  '0123456789',
  '123456789',
  '1234567890',
  '03000200-0400-0500-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
]);

function isGenuine(text: string | undefined): text is string {
  const value = text?.trim().toLowerCase() ?? '';
  // All zeros, all f, all x: with or without dashes.
  return value !== '' && !placeholders.has(value) && !/^([0fx.\-_ ])(?:\1|[-. ])*$/.test(value);
}
