import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { messageOf } from '../base/errors.js';
import { mayInstall, touchBooting } from '../inventory/index.js';
import { renderIpxeBoot, renderIpxeEntry, renderIpxeLocal, renderIpxeRefusal } from '../netboot/index.js';
import type { ServerContext } from './app.js';
import { reportServer } from './events.js';
import { newToken } from './token.js';

const Section = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/)
  .optional();

const BootQuery = z.object({
  mac: z
    .string()
    .regex(/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i)
    .transform((mac) => mac.replaceAll('-', ':').toLowerCase()),
  uuid: z.string().max(64).default(''),
  serial: z.string().max(128).default(''),
  section: Section,
});

const EntryQuery = z.object({ section: Section });

/** What firmware and iPXE ask for. Nothing here is secret but the token of the boot script. */
export function bootRoutes(app: FastifyInstance, context: ServerContext): void {
  app.get('/boot.ipxe', async (request, reply) => {
    reply.type('text/plain');
    const query = BootQuery.safeParse(request.query);
    if (!query.success) return renderIpxeEntry(EntryQuery.safeParse(request.query).data?.section);
    context.limits.strangers.take(request.ip);
    try {
      return await bootScript(context, query.data);
    } catch (error) {
      // A machine that cannot be served needs to see why, and 400 is not shown by firmware.
      reportServer(context.reporter, {
        code: 'server.request.failed',
        level: 'error',
        message: `no boot script for ${query.data.mac}: ${messageOf(error)}`,
        data: { method: 'GET', url: '/boot.ipxe', error: messageOf(error) },
      });
      return renderIpxeRefusal(messageOf(error));
    }
  });
  for (const name of ['vmlinuz', 'initrd', 'python.tar.zst', 'local.efi']) {
    app.get(`/boot/${name}`, (_request, reply) =>
      sendFile(reply, context.state.path('netboot', 'ramdisk', name), undefined),
    );
  }
}

async function bootScript(context: ServerContext, query: z.infer<typeof BootQuery>): Promise<string> {
  const token = newToken();
  const machine = await touchBooting(context.db, query, token, context.reporter);
  if (machine.state === 'installed' || machine.state === 'up') return renderIpxeLocal();
  if (!mayInstall(machine)) {
    return renderIpxeRefusal(`this machine is ${machine.state}: ${machine.reason ?? 'by an operator'}`);
  }
  reportServer(context.reporter, {
    code: 'server.machine.booting',
    level: 'info',
    message: `machine ${machine.identity} (${query.mac}) gets the ramdisk`,
    data: { mac: query.mac, uuid: query.uuid, machine: machine.id },
  });
  return renderIpxeBoot({
    server: context.host,
    httpPort: context.port,
    token,
    section: query.section,
    targetKernelLine: context.targetKernelLine,
    options: context.ramdiskOptions,
  });
}

/** Sends a file, from where a broken download ended when the client says so (one open `Range`). */
export async function sendFile(reply: FastifyReply, path: string, range: string | undefined): Promise<FastifyReply> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return reply.status(404).send({ code: 'FileUnknown', message: `${path.split('/').at(-1)} is not there` });
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  reply.type('application/octet-stream').header('accept-ranges', 'bytes');
  if (from > 0) {
    if (from >= found.size) return reply.status(416).header('content-range', `bytes */${found.size}`).send();
    reply.status(206).header('content-range', `bytes ${from}-${found.size - 1}/${found.size}`);
  }
  reply.header('content-length', found.size - from);
  return reply.send(createReadStream(path, { start: from }));
}

/** The files of an installation. */
export const roleFile = (context: ServerContext, role: string, version: string, name: string) =>
  join(context.state.path('roles'), role, version, name);
