import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { writeFileAtomic } from '../base/files.js';
import {
  type ConfigureSource,
  configureTextOf,
  type EdeploySection,
  type Facts,
  isHardware,
  type Machine,
  machineByNextToken,
  machineByToken,
  parseFacts,
  registerMachine,
  renderConfigureScript,
  renderRefusal,
  reportFailure,
  setMachineState,
  updateMachine,
} from '../inventory/index.js';
import type { ServerContext } from './app.js';
import { reportServer } from './events.js';

/** Logs kept of a machine. */
const MAXIMUM_LOGS = 10;

/** What a form of eDeploy's ramdisk carries. */
interface UploadForm {
  file?: { name: string; content: Buffer };
  failure?: string;
  reason?: string;
  section?: string;
}

/**
 * eDeploy's upload protocol: facts are answered with the configure script, a failure gives the
 * profile's count back, a log is kept.
 */
export function uploadRoutes(app: FastifyInstance, context: ServerContext): void {
  for (const path of ['/upload.py', '/cgi-bin/upload.py']) {
    app.post(path, async (request, reply) => {
      const { machine, bootedAnew } = await uploadingMachine(context, request);
      context.limits.uploads.take(machine.id);
      const form = await readForm(request);
      reply.type('text/plain');
      // Its installation is another ramdisk's until its facts are here: it cannot fail that.
      if (bootedAnew && (form.failure !== undefined || form.file?.name.endsWith('.log.gz'))) throw unknownToken();
      if (form.failure !== undefined) return takeFailure(context, machine, form);
      if (!form.file) throw new StackwrightError('UploadIncomplete', 'the form has neither a file nor a failure');
      if (form.file.name.endsWith('.log.gz')) return keepLog(context, machine, form);
      return answerFacts(context, machine, request, form);
    });
  }
}

/**
 * The machine whose ramdisk has the token that came with the request.
 * @throws StackwrightError `TokenUnknown`
 */
export async function requestingMachine(context: ServerContext, request: FastifyRequest): Promise<Machine> {
  const machine = await machineByToken(context.db, tokenOf(request));
  if (machine) return machine;
  context.limits.strangers.take(request.ip);
  throw unknownToken();
}

/** Also the machine whose ramdisk has booted in the middle of an installation. */
async function uploadingMachine(
  context: ServerContext,
  request: FastifyRequest,
): Promise<{ machine: Machine; bootedAnew: boolean }> {
  const bootedAnew = await machineByNextToken(context.db, tokenOf(request));
  if (bootedAnew) return { machine: bootedAnew, bootedAnew: true };
  return { machine: await requestingMachine(context, request), bootedAnew: false };
}

function unknownToken(): StackwrightError {
  return new StackwrightError('TokenUnknown', 'no machine has booted with this token', {
    hint: 'boot the machine from the network again: each boot gets a token of its own',
  });
}

function tokenOf(request: FastifyRequest): string {
  const token = request.headers['x-stackwright-token'];
  return typeof token === 'string' ? token : '';
}

/** Reads a multipart form with at most one file; limits are set where the plugin is registered. */
export async function readForm(request: FastifyRequest): Promise<UploadForm & Record<string, unknown>> {
  const form: UploadForm & Record<string, unknown> = {};
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      const content = await part.toBuffer();
      if (part.fieldname === 'file') form.file = { name: part.filename, content };
      else form[part.fieldname] = content.toString('utf8');
    } else if (typeof part.value === 'string') form[part.fieldname] = part.value;
  }
  return form;
}

/**
 * The configuration that the machine's kernel line names, `SECTION=`.
 * @throws StackwrightError `SectionUnknown`
 */
function siteOf({ sites }: ServerContext, { section }: UploadForm): EdeploySection {
  if (section === undefined || section === '') return sites[0];
  const site = sites.find(({ name }) => name === section);
  if (site) return site;
  throw new StackwrightError('SectionUnknown', 'the server has no such section', {
    value: section.slice(0, 64),
    hint: `SECTION= on the kernel line can be ${sites.map(({ name }) => name).join(', ')}`,
  });
}

async function answerFacts(
  context: ServerContext,
  machine: Machine,
  request: FastifyRequest,
  form: UploadForm,
): Promise<string> {
  const { db, reporter } = context;
  try {
    const { configDir, hwDir } = siteOf(context, form);
    const text = form.file?.content.toString('utf8') ?? '';
    const facts = parseFacts(text, 'facts.hw');
    const token = tokenOf(request);
    const hardware = isHardware(text) ? text : undefined;
    const result = await registerMachine(db, configDir, facts, reporter, { token, hwDirectory: hwDir, hardware });
    if (result.outcome !== 'matched') return renderRefusal(result.text.split('\n'));
    // Its facts may show that it is another machine than its MAC address alone told.
    const { profile, variables } = result;
    const script = await scriptOf(context, result.machine, profile, variables, facts);
    await updateMachine(db, result.machine.id, {
      host_name: nameOf(variables.hostname) ?? nameOf(variables.host) ?? null,
      address: nameOf(variables.ip)?.split('/')[0] ?? null,
      role: null,
      role_version: null,
    });
    await setMachineState(db, result.machine.id, 'installing', `profile ${profile.name}`, reporter);
    return script;
  } catch (error) {
    // It asks again by itself.
    if (error instanceof StackwrightError && error.code === 'MachineAlive') throw error;
    // The ramdisk runs what it gets, and so shows the reason on the machine's console.
    reportServer(context.reporter, {
      code: 'server.request.failed',
      level: 'error',
      message: `facts of ${machine.identity} were refused: ${messageOf(error)}`,
      data: { method: 'POST', url: '/upload.py', error: messageOf(error) },
    });
    const place = error instanceof StackwrightError && error.place ? [`at ${error.place}`] : [];
    return renderRefusal([messageOf(error), ...place]);
  }
}

/** A layout that does not fit fails the machine here: its ramdisk knows only that it was refused. */
async function scriptOf(
  { db, reporter }: ServerContext,
  machine: Machine,
  profile: ConfigureSource,
  variables: Record<string, Json>,
  facts: Facts,
): Promise<string> {
  try {
    const configureText = configureTextOf(profile, { variables, facts });
    return renderConfigureScript({ profile: profile.name, configureText, variables });
  } catch (error) {
    await setMachineState(db, machine.id, 'failed', messageOf(error), reporter);
    throw error;
  }
}

/** A host name or an address; both are written to files that ssh reads. */
function nameOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9.:/-]{0,252}$/.test(value) ? value : undefined;
}

async function takeFailure(context: ServerContext, machine: Machine, form: UploadForm): Promise<string> {
  // A machine that was refused knows only that it was; the reason in the inventory says why.
  if (machine.state === 'discovered' && machine.reason !== null) return '';
  // Control characters of a machine's message have no business on an operator's terminal.
  const reason = (form.reason ?? 'the installation failed').replace(/\p{Cc}/gu, ' ').slice(0, 500);
  await reportFailure(context.db, siteOf(context, form).configDir, { machineId: machine.id }, reason, context.reporter);
  return '';
}

/** Keeps the log of an installation; an older one is renamed with its time. */
async function keepLog(context: ServerContext, machine: Machine, form: UploadForm): Promise<string> {
  const directory = siteOf(context, form).logDir;
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${machine.id}.log.gz`);
  if (existsSync(path)) {
    const time = (await stat(path)).mtime.toISOString().replaceAll(':', '-');
    await rename(path, join(directory, `${machine.id}.${time}-${randomBytes(2).toString('hex')}.log.gz`));
  }
  await writeFileAtomic(path, form.file?.content ?? '', 0o600);
  await dropOldLogs(directory, machine.id);
  reportServer(context.reporter, {
    code: 'server.machine.log',
    level: 'debug',
    message: `kept the installation log of ${machine.identity}`,
    data: { machine: machine.id, file: path },
  });
  return '';
}

/** A machine that fails again and again keeps its latest logs; their names sort by time. */
async function dropOldLogs(directory: string, machineId: string): Promise<void> {
  const older = (await readdir(directory)).filter((name) => name.startsWith(`${machineId}.2`)).sort();
  for (const name of older.slice(0, -(MAXIMUM_LOGS - 1))) await rm(join(directory, name), { force: true });
}
