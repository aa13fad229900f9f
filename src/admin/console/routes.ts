import { Readable } from 'node:stream';
import Router from '@koa/router';
import type { Context } from 'koa';
import { NotFound } from '../../errors.ts';
import type { ConsoleAct } from '../../http/console-pages.ts';
import { perform } from '../api/perform.ts';
import { isUserId } from '../api/user-schemas.ts';
import { actOf, doAct, showAct } from './acts.ts';
import { goTo, loadConsoleRequest, type ConsoleRequest, type ConsoleServices } from './console-request.ts';
import { revokeKey, rotateKeys, showKeys } from './key-pages.ts';
import * as clients from './client-pages.ts';
import { showHealth } from './health-page.ts';
import { createClient, showNewClient } from './new-client.ts';
import * as pages from './pages.ts';
import { showUser } from './person-page.ts';

interface Params {
  readonly id?: string;
  readonly act?: string;
  readonly item?: string;
}
type Handler = (request: ConsoleRequest, params: Params) => Promise<void> | void;

/** The operators' console. Each address and what it does, in one list. */
export function consoleRoutes(services: ConsoleServices): Router {
  const router = new Router({ strict: true, sensitive: true });
  const handle = (handler: Handler) => async (ctx: Context) => {
    const request = await loadConsoleRequest(ctx, services);
    if (request !== undefined) await handler(request, (ctx as unknown as { params: Params }).params);
  };
  const get = (path: string, handler: Handler): void => void router.get(`/admin${path}`, handle(handler));
  const post = (path: string, handler: Handler): void => void router.post(`/admin${path}`, handle(handler));

  router.get('/admin/callback', (ctx) => services.sessions.finishSignIn(ctx));
  get('', (request) => goTo(request, '/admin/users'));
  get('/users', pages.showUsers);
  get('/users/:id', (request, { id }) => showUser(request, possible(id)));
  for (const path of ['/users/:id/:act', '/users/:id/:act/:item']) {
    get(path, (request, { id, act = '', item }) => showAct(request, possible(id), knownAct(act, item), item));
    post(path, (request, { id, act = '', item }) => doAct(request, possible(id), knownAct(act, item), item));
  }
  post('/help/:id/answer', (request, { id = '' }) => pages.answerHelp(request, id));
  get('/clients', clients.showClients);
  get('/clients/new', (request) => showNewClient(request));
  post('/clients', createClient);
  get('/clients/:id', (request, { id = '' }) => clients.showOneClient(request, id));
  get('/clients/:id/edit', (request, { id = '' }) => clients.showEdit(request, id));
  post('/clients/:id/edit', (request, { id = '' }) => clients.saveEdit(request, id));
  get('/clients/:id/delete', (request, { id = '' }) => clients.showDelete(request, id));
  post('/clients/:id/delete', (request, { id = '' }) => clients.deleteClient(request, id));
  post('/clients/:id/secrets', (request, { id = '' }) => clients.addSecret(request, id));
  post('/clients/:id/secrets/:item/remove', (request, { id = '', item = '' }) =>
    clients.removeSecret(request, id, item),
  );
  post('/clients/:id/test', (request, { id = '' }) => clients.startTest(request, id));
  get('/clients/:id/test/:item', (request, { id = '' }) => clients.showTest(request, id));
  get('/keys', (request) => showKeys(request));
  post('/keys/rotate', rotateKeys);
  post('/keys/:id/revoke', (request, { id = '' }) => revokeKey(request, id));
  get('/audit', pages.showAudit);
  get('/audit/export', exportAudit);
  get('/report', pages.showReport);
  get('/health', showHealth);
  post('/sign-out', async (request) => {
    await services.sessions.end(request.session, request.context);
    services.views.page(request.ctx, 'logged-out', { continueHref: `${services.prefix}/admin` });
  });
  return router;
}

/** To the API an id that nobody can have is a mistake of the caller; here it is a page that is not there. */
function possible(id = ''): string {
  if (!isUserId(id)) throw new NotFound();
  return id;
}

function knownAct(text: string, item: string | undefined): ConsoleAct {
  const act = actOf(text, item !== undefined);
  if (act === undefined) throw new NotFound();
  return act;
}

async function exportAudit({ ctx, services, actor, context }: ConsoleRequest): Promise<void> {
  const query = Object.fromEntries(
    Object.entries(ctx.query).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const { lines } = await perform(services.admin, actor, context, 'exportAuditEvents', { query });
  if (lines === undefined) throw new NotFound();
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Content-Disposition', 'attachment; filename="audit.ndjson"');
  ctx.type = 'application/x-ndjson';
  ctx.body = Readable.from(lines);
}
