import { authContract as auth } from '../../../src/features/auth/auth.api';
import { openLine } from '../../support/browser';
import { eventually } from '../../support/eventually';
import { openApp } from '../../support/wires';
import { account, app, Operator, operator, welcomeOperators } from './operators';

// Who gets into the console, and what becomes of it while somebody is in.

welcomeOperators();

test('a wrong secret is refused in words; the right one opens the view that was asked for', async () => {
  const one = await Operator.come({}, `${app.url}/console#blocks`);
  await one.page.getByLabel('Internal secret (INTERNAL_API_SECRET)').fill('wrong');
  await one.button('Sign in').click();
  await one.problem.getByText(/^The server does not know this secret/).waitFor();
  expect(await one.page.title()).toBe('Sign in - Aerie console');
  await one.signIn();
  await one.heading('Blocks').waitFor();
  await one.page.getByText('Nobody is blocked.').waitFor();
  expect(await one.page.locator('.who').textContent()).toBe('Signed in: internal secret');
});

test('an administrator logs in; a reload asks again, since nothing is stored', async () => {
  const { email } = await account('admin');
  const one = await Operator.come();
  await one.logIn(email);
  await one.heading('Overview').waitFor();
  expect(await one.page.locator('.who bdi').textContent()).toBe(email);
  expect(await one.page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]')).toEqual([0, 0, '']);
  await one.page.reload();
  await one.heading('Sign in').waitFor();
});

test("a player's login is refused, and its token is of no use afterwards", async () => {
  const { email } = await account('player');
  const one = await Operator.come();
  await one.logIn(email);
  await one.problem.getByText("This account is a player's. The console is for administrators.").waitFor();
  expect(await one.page.getByRole('navigation').count()).toBe(0);
});

test('a session that has ended asks to sign in, and goes on where it was', async () => {
  const { email } = await account('admin');
  const one = await Operator.come({}, `${app.url}/console#rules`);
  const [request] = await Promise.all([one.page.waitForRequest(/\/fairness\/rules$/), one.logIn(email)]);
  await one.heading('flood').waitFor();
  const { code } = await app.http.call(
    auth,
    'logout',
    {},
    { authorization: request.headers().authorization as string },
  );
  expect(code).toBe('ok');
  await one.problem.getByText(/^You are no longer signed in: the token has ended/).waitFor();
  expect(await one.page.locator(':focus').textContent()).toBe('Sign in');
  await one.signIn();
  await one.heading('Rules').waitFor();
});

test('who is an administrator no longer is shown out', async () => {
  const { email, id } = await account('admin');
  const one = await Operator.come();
  await one.logIn(email);
  await one.heading('Overview').waitFor();
  await app.http.call(auth, 'setRole', { userId: id, role: 'player' }, operator);
  await one.problem.getByText(/The console is for administrators/).waitFor();
});

test('signing out forgets the token', async () => {
  const one = await Operator.at('overview');
  await one.button('Sign out').click();
  await one.heading('Sign in').waitFor();
  const asked: string[] = [];
  one.page.on('request', (request) => asked.push(request.headers().authorization ?? 'none'));
  await one.page.getByLabel('Internal secret (INTERNAL_API_SECRET)').fill('wrong');
  await one.button('Sign in').click();
  await one.problem.waitFor();
  expect(asked).toEqual(['Bearer wrong']);
});

test('a server that is gone is said to be, and the page goes on when it is back', async () => {
  await using line = await openLine(app.url);
  const one = await Operator.come({}, `${line.url}/games/console`);
  const asked: string[] = [];
  one.page.on('request', (request) => asked.push(request.url()));
  await one.signIn();
  const gone = one.page.getByRole('status').getByText(/^The server does not answer/);
  line.down();
  await gone.waitFor();
  await one.go('Blocks');
  await one.problem.getByText(/^The server cannot be reached/).waitFor();
  line.up();
  // By itself.
  await one.page.getByText('Nobody is blocked.').waitFor();
  await eventually(async () => expect(await gone.count()).toBe(0));
  // Below the prefix of the proxy.
  expect(asked.filter((url) => !url.startsWith(`${line.url}/games/`))).toEqual([]);
});

test('a proxy in front that answers with a page of its own is told from Aerie', async () => {
  const one = await Operator.at('blocks');
  await one.page.route('**/fairness/blocks*', (route) => route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }));
  await one.page.reload();
  await one.signIn();
  await one.problem.getByText(/^Something else than Aerie has answered/).waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
  await one.button('Try again').click();
  await one.page.getByText('Nobody is blocked.').waitFor();
});

test('an error that the page does not know is shown with its trace and what to do', async () => {
  const one = await Operator.at('overview');
  const body = JSON.stringify({ error: 'Teapot', code: 'teapot', message: 'Short and stout', trace_id: 'abc123' });
  await one.page.route('**/fairness/blocks*', (route) => route.fulfill({ status: 418, body }));
  await one.go('Blocks');
  await one.problem.waitFor();
  const text = await one.problem.textContent();
  for (const part of ['for a reason that this page does not know', 'teapot Short and stout', 'abc123'])
    expect(text).toContain(part);
  await one.page.unrouteAll({ behavior: 'wait' });
});

test('on the machine of a developer without secrets it just opens', async () => {
  await using developers = await openApp('sqlite::memory:', { CHAT_TCP_ENABLED: 'false' });
  const one = await Operator.come({}, `${developers.url}/console#system`);
  await one.heading('Processes').waitFor();
  expect(await one.page.locator('.who bdi').textContent()).toBe('developer, without a secret');
});

test('a feature that nobody here runs is absent, which is no error', async () => {
  const modules = 'console,users,auth';
  await using small = await openApp('sqlite::memory:', { MODULES: modules, CHAT_TCP_ENABLED: 'false' });
  const one = await Operator.come({}, `${small.url}/console#player/somebody`);
  await one.page.getByText('No process here runs or answers for progression.').first().waitFor();
  await one.page.getByText('No account has this id').waitFor();
  for (const view of ['Flags', 'Blocks', 'Dead letters', 'Rules', 'Sales']) {
    await one.go(view);
    await one.page.getByText(/^No process here runs or answers for/).waitFor();
    expect(await one.problem.count()).toBe(0);
  }
});
