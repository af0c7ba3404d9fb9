import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { StackwrightError } from '../base/errors.js';
import { listEvents, listMachines, operate, operatorActions, publicMachine } from '../inventory/index.js';
import type { ServerContext } from './app.js';
import { operatorToken, sameToken } from './token.js';

const ActionParameters = z.object({ machine: z.string().max(200), action: z.enum(operatorActions) });
const ActionBody = z.strictObject({ reason: z.string().max(500).optional() });

/** The JSON API for operators; every request needs the token in `STATE/api-token`. */
export async function operatorRoutes(app: FastifyInstance, context: ServerContext): Promise<void> {
  const token = await operatorToken(context.state);
  const authorise = async (request: FastifyRequest) => {
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (sameToken(given, token)) return;
    context.limits.strangers.take(request.ip);
    throw new StackwrightError('TokenUnknown', 'this needs the token of the operator', {
      hint: `send "Authorization: Bearer TOKEN", with the token in ${context.state.path('api-token')}`,
    });
  };
  app.get('/v1/machines', { preHandler: authorise }, async () => (await listMachines(context.db)).map(publicMachine));
  app.post('/v1/machines/:machine/:action', { preHandler: authorise }, async (request) => {
    const { machine, action } = ActionParameters.parse(request.params);
    const { reason } = ActionBody.parse(request.body ?? {});
    const why = { reason, by: `operator at ${request.ip}` };
    return publicMachine(await operate(context.db, machine, action, why, context.reporter));
  });
  app.get('/v1/events', { preHandler: authorise }, () => listEvents(context.db, 500));
  app.get('/v1/health', async () => ({ ok: true }));
}
