import type { FastifyInstance } from 'fastify';
import tar from 'tar-stream';
import { z } from 'zod';
import { StackwrightError } from '../base/errors.js';
import { type NetworkDescription, recordToConfigDrive } from '../firstboot/index.js';
import {
  bindRole,
  keepHostKeys,
  layoutNetwork,
  loadSite,
  type Machine,
  operatorKey,
  parseHostKeys,
  setMachineState,
  sshTargets,
  writeSshAccess,
} from '../inventory/index.js';
import { getRole } from '../role/index.js';
import type { ServerContext } from './app.js';
import { roleFile, sendFile } from './boot-routes.js';
import { reportServer } from './events.js';
import { readForm, requestingMachine } from './upload-routes.js';

const RoleParameters = z.object({
  role: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/),
  version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/),
});

const Progress = z.object({
  station: z.string().regex(/^[a-z-]{1,20}$/),
  /** Of the copy; the machine may leave it empty. */
  percent: z
    .string()
    .regex(/^\d{0,2}$/)
    .default(''),
});

const Report = z.object({ host_keys: z.string().max(8192), disk: z.string().max(64) });

/** What a ramdisk asks during an installation; each machine gets only what is its own. */
export function nodeRoutes(app: FastifyInstance, context: ServerContext): void {
  /** By machine: the progress that it has told last. */
  const told = new Map<string, string>();
  app.get('/v1/node/role/:role/:version/role.squashfs', async (request, reply) => {
    const { role, version } = await permittedRole(context, await requestingMachine(context, request), request.params);
    return sendFile(reply, roleFile(context, role, version, 'role.squashfs'), request.headers.range);
  });
  app.get('/v1/node/role/:role/:version/sha256', async (request, reply) => {
    const { role, version } = await permittedRole(context, await requestingMachine(context, request), request.params);
    reply.type('text/plain');
    return (await getRole(context.state, role, version)).sha256;
  });
  // What the copy will add to the disks, so that a machine can say how far it is.
  app.get('/v1/node/role/:role/:version/kilobytes', async (request, reply) => {
    const { role, version } = await permittedRole(context, await requestingMachine(context, request), request.params);
    const { bytes, unpackedBytes } = getRole(context.state, role, version);
    reply.type('text/plain');
    return String(Math.max(1, Math.round((bytes + unpackedBytes) / 1024)));
  });
  app.get('/v1/node/config-drive.tar', async (request, reply) => {
    const machine = await requestingMachine(context, request);
    if (machine.state !== 'installing') {
      throw new StackwrightError('RecordForbidden', `this machine is ${machine.state} and not installing`, {
        value: machine.state,
        hint: 'the record is read once the facts have matched, until the installation is reported or has failed',
      });
    }
    reply.type('application/x-tar');
    return configDriveArchive(context, machine);
  });
  app.post('/v1/node/progress', async (request) => {
    const machine = await requestingMachine(context, request);
    const { station, percent } = Progress.parse(request.body);
    // A machine also says the same again, so that it is known to be alive.
    const news = `${station} ${percent}`;
    if (told.get(machine.id) === news) return '';
    told.set(machine.id, news);
    reportServer(context.reporter, {
      code: 'server.machine.progress',
      level: 'info',
      message: `${machine.host_name ?? machine.identity}: ${station}${percent ? ` ${percent} %` : ''}`,
      data: { machine: machine.id, station, percent: percent === '' ? null : Number(percent) },
    });
    return '';
  });
  app.post('/v1/node/installed', async (request) => {
    const machine = await requestingMachine(context, request);
    told.delete(machine.id);
    const { host_keys, disk } = Report.parse(await readForm(request));
    await keepHostKeys(context.db, machine.id, parseHostKeys(host_keys));
    await setMachineState(
      context.db,
      machine.id,
      'installed',
      `role ${machine.role} ${machine.role_version}`,
      context.reporter,
      'machine',
    );
    await writeSshAccess(context.state, await sshTargets(context.db), context.proxyCommand);
    reportServer(context.reporter, {
      code: 'server.machine.installed',
      level: 'info',
      message: `${machine.host_name ?? machine.identity} is installed on ${disk.replace(/[^A-Za-z0-9/_-]/g, '?')}`,
      data: { machine: machine.id, disk: disk.slice(0, 64) },
    });
    return '';
  });
}

/**
 * The first role that a machine asks for is its role; another one it may not read.
 * @throws StackwrightError `RoleForbidden`, `RoleNotFound`
 */
async function permittedRole(
  context: ServerContext,
  machine: Machine,
  parameters: unknown,
): Promise<{ role: string; version: string }> {
  const { role, version } = RoleParameters.parse(parameters);
  await getRole(context.state, role, version);
  if (!(await bindRole(context.db, machine.id, role, version))) {
    throw new StackwrightError('RoleForbidden', `this machine installs role ${machine.role} ${machine.role_version}`, {
      value: `${role} ${version}`,
    });
  }
  return { role, version };
}

/** The network of the machine's layout, where its profile has one. */
async function networkOf({ site, profile, variables }: Machine): Promise<NetworkDescription | undefined> {
  if (site === null) return undefined;
  const layout = (await loadSite(site)).profiles.find(({ name }) => name === profile)?.layout;
  return layout && layoutNetwork(layout, variables);
}

/** The machine's record as a config drive, for the first boot to read. */
async function configDriveArchive(context: ServerContext, machine: Machine): Promise<tar.Pack> {
  const files = recordToConfigDrive({
    variables: machine.variables,
    operatorKey: await operatorKey(context.state),
    network: await networkOf(machine),
  });
  const archive = tar.pack();
  for (const [name, content] of Object.entries(files)) {
    archive.entry({ name, mode: 0o600 }, typeof content === 'string' ? content : Buffer.from(content));
  }
  archive.finalize();
  return archive;
}
