import multipart from '@fastify/multipart';
import Fastify, { type FastifyInstance } from 'fastify';
import { ZodError } from 'zod';
import { messageOf, StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import type { StateDirectory } from '../base/state.js';
import type { Db } from '../engine/index.js';
import type { EdeploySection } from '../inventory/index.js';
import { bootRoutes } from './boot-routes.js';
import { reportServer } from './events.js';
import { type Limits, limitConnections, newLimits } from './limits.js';
import { nodeRoutes } from './node-routes.js';
import { operatorRoutes } from './operator-routes.js';
import { uploadRoutes } from './upload-routes.js';

export interface ServerContext extends ServerSettings {
  limits: Limits;
}

export interface ServerSettings {
  state: StateDirectory;
  db: Db;
  reporter: Reporter;
  /** The first is the one of machines that name no section. */
  sites: [EdeploySection, ...EdeploySection[]];
  /** Where machines reach this server. */
  host: string;
  port: number;
  /** What installed systems get on their kernel line. */
  targetKernelLine: string;
  /** Words for the ramdisk's kernel line by their names, e.g. `ONSUCCESS`; they win over our own. */
  ramdiskOptions: Readonly<Record<string, string>>;
  /** How ssh reaches the machines (ssh_config(5) ProxyCommand), when not directly. */
  proxyCommand?: string;
}

/** Facts and logs of machines are small; more is a mistake or an attack. */
const UPLOAD_LIMIT = 16 * 1024 * 1024;

/** The HTTP face: what ramdisks ask for, and the API for operators. */
export async function createServer(settings: ServerSettings): Promise<FastifyInstance> {
  const context: ServerContext = { ...settings, limits: newLimits() };
  const app = Fastify({
    logger: false,
    bodyLimit: 64 * 1024,
    // A role is large and an emulated machine slow; only a silent connection is cut.
    connectionTimeout: 0,
    requestTimeout: 300_000,
  });
  limitConnections(app);
  await app.register(multipart, {
    limits: { fileSize: UPLOAD_LIMIT, files: 2, fields: 16, fieldSize: 64 * 1024 },
  });
  // `curl --data`
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  app.setErrorHandler((error: unknown, request, reply) => {
    const status = statusOf(error);
    // Strangers without a token, and floods, are no news; what a machine or an operator was refused is.
    if (![401, 404, 429, 503].includes(status)) {
      reportServer(context.reporter, {
        code: 'server.request.failed',
        level: status >= 500 ? 'error' : 'warn',
        message: `${request.method} ${request.url.split('?')[0]} failed: ${messageOf(error)}`,
        data: { method: request.method, url: request.url.split('?')[0] ?? '', error: messageOf(error) },
      });
    }
    const body =
      error instanceof StackwrightError ? error.toJSON() : { code: 'RequestFailed', message: messageOf(error) };
    if (status === 429) reply.header('retry-after', '60');
    if (status === 503) reply.header('retry-after', '5');
    return reply.status(status).send(body);
  });
  bootRoutes(app, context);
  uploadRoutes(app, context);
  nodeRoutes(app, context);
  await operatorRoutes(app, context);
  return app;
}

const statuses: Record<string, number> = {
  TokenUnknown: 401,
  RoleForbidden: 403,
  RecordForbidden: 403,
  RoleNotFound: 404,
  MachineUnknown: 404,
  MachineStateInvalid: 409,
  MachineAmbiguous: 409,
  TooManyRequests: 429,
  MachineAlive: 503,
};

function statusOf(error: unknown): number {
  if (error instanceof ZodError) return 400;
  if (error instanceof StackwrightError) {
    return statuses[error.code] ?? 400;
  }
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return 500;
}
