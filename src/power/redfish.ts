import { readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { z } from 'zod';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { PowerDriver } from './driver.js';
import type { RedfishSettings } from './settings.js';

const Link = z.object({ '@odata.id': z.string().startsWith('/') });
const Systems = z.object({ Members: z.array(Link) });
const System = z.object({
  PowerState: z.string(),
  Actions: z.object({ '#ComputerSystem.Reset': z.object({ target: z.string().startsWith('/') }) }),
});

interface Answer {
  status: number;
  etag?: string;
  body: unknown;
}

const TIMEOUT_SECONDS = 30;
/** Descriptions of systems are a few kilobytes. */
const LARGEST_ANSWER = 4 * 1024 * 1024;

/** A BMC that speaks Redfish (DMTF DSP0266), with the login in each request. */
export function redfishDriver(bmc: RedfishSettings): PowerDriver {
  let known: string | undefined;

  async function ask(method: string, path: string, body?: object, etag?: string): Promise<Answer> {
    const answer = await send(bmc, method, path, body, etag).catch((error: unknown) => {
      throw failed(bmc, `${method} ${path} failed: ${messageOf(error)}`);
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw failed(bmc, `${method} ${path} was answered with ${answer.status}`, describe(answer.body));
  }

  async function systemPath(): Promise<string> {
    known ??= bmc.system;
    if (known !== undefined) return known;
    const { Members } = read(Systems, (await ask('GET', '/redfish/v1/Systems')).body, bmc);
    const [only, ...others] = Members.map((member) => member['@odata.id']);
    if (only === undefined || others.length > 0) {
      throw failed(bmc, 'it has not exactly one system', [only, ...others].join(' '));
    }
    known = only;
    return only;
  }

  async function system() {
    const { body, etag } = await ask('GET', await systemPath());
    return { ...read(System, body, bmc), etag };
  }

  async function reset(ResetType: string): Promise<void> {
    const { Actions } = await system();
    await ask('POST', Actions['#ComputerSystem.Reset'].target, { ResetType });
  }

  return {
    name: `redfish ${bmc.redfish}`,
    // PoweringOn and PoweringOff are on the way.
    status: async () => ((await system()).PowerState.endsWith('On') ? 'on' : 'off'),
    on: () => reset('On'),
    off: () => reset('ForceOff'),
    async bootFrom(device) {
      const Boot = {
        BootSourceOverrideEnabled: 'Once',
        BootSourceOverrideTarget: device === 'pxe' ? 'Pxe' : 'Hdd',
      };
      // Some BMCs take a change only with the mark of what was read.
      await ask('PATCH', await systemPath(), { Boot }, (await system()).etag);
    },
  };
}

function send(bmc: RedfishSettings, method: string, path: string, body?: object, etag?: string): Promise<Answer> {
  const url = new URL(path, bmc.redfish);
  const text = body && JSON.stringify(body);
  const options: RequestOptions = {
    method,
    auth: `${bmc.user}:${bmc.password}`,
    timeout: TIMEOUT_SECONDS * 1000,
    headers: {
      accept: 'application/json',
      'odata-version': '4.0',
      ...(text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}),
      ...(etag ? { 'if-match': etag } : {}),
    },
    ...(bmc.ca ? { ca: readFileSync(bmc.ca) } : {}),
    rejectUnauthorized: !bmc.insecure,
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
        if (answer.length > LARGEST_ANSWER) request.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, etag: response.headers.etag, body: json(answer) });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_SECONDS} s`)));
    request.on('error', reject);
    request.end(text);
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 300);
  }
}

function read<T>(schema: z.ZodType<T>, body: unknown, bmc: RedfishSettings): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw failed(bmc, 'it answers other than Redfish does', parsed.error.issues[0]?.message);
}

/** What a BMC says of an error (DSP0266, error responses). */
function describe(body: unknown): string {
  const Message = z.object({ error: z.object({ message: z.string() }) });
  const parsed = Message.safeParse(body);
  return parsed.success ? parsed.data.error.message : '';
}

function failed(bmc: RedfishSettings, message: string, value?: string): StackwrightError {
  return new StackwrightError('BmcFailed', `the BMC ${bmc.redfish}: ${message}`, {
    value,
    hint: 'see address, user, password and ca in bmc.yaml',
  });
}
