import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StackwrightError } from '../base/errors.js';
import { ipmiDriver } from './ipmi.js';
import { redfishDriver } from './redfish.js';
import { readBmc } from './settings.js';

let directory: string;
const path = process.env.PATH;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stackwright-'));
});

afterEach(() => {
  process.env.PATH = path;
  rmSync(directory, { recursive: true });
});

const failureOf = async (work: Promise<unknown>): Promise<StackwrightError> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: StackwrightError) => error,
  );

describe('bmc.yaml', () => {
  const file = () => join(directory, 'bmc.yaml');
  const write = (text: string, mode = 0o600) => {
    writeFileSync(file(), text);
    chmodSync(file(), mode);
  };

  it('gives a machine its BMC by any of its names, with the login that all have', async () => {
    writeFileSync(join(directory, 'password'), 'from-a-file\nnot this\n');
    write(
      `defaults: {user: root, password_file: ${join(directory, 'password')}}\n` +
        'machines:\n  web1: {ipmi: 10.0.0.201}\n  abcd-ef: {redfish: "https://10.0.0.202", user: admin, password: own}\n',
    );

    expect(await readBmc(file(), ['id', 'web1'])).toMatchObject({
      ipmi: '10.0.0.201',
      port: 623,
      user: 'root',
      password: 'from-a-file',
    });
    expect(await readBmc(file(), ['abcd-ef'])).toMatchObject({ user: 'admin', password: 'own', insecure: false });
    expect(await readBmc(file(), ['web2'])).toBeUndefined();
    expect(await readBmc(join(directory, 'none'), ['web1'])).toBeUndefined();
  });

  it('is refused where others can read the passwords', async () => {
    write('machines: {web1: {ipmi: 10.0.0.1, user: a, password: b}}\n', 0o644);

    expect(await failureOf(readBmc(file(), ['web1']))).toMatchObject({
      code: 'BmcFileReadable',
      details: { value: '0644', hint: `chmod 600 ${file()}` },
    });
  });

  it('is refused where a BMC has no login', async () => {
    write('machines:\n  web1: {ipmi: 10.0.0.1}\n');

    expect((await failureOf(readBmc(file(), ['web1']))).message).toBe('the BMC of web1 has no user or no password');
  });

  it.each([
    ['machines:\n  web1: {ipmi: "10.0.0.1; reboot"}\n', 2],
    ['machines:\n  web1: {redfish: ftp://10.0.0.1}\n', 2],
    ['machines: [\n', 2],
  ])('is refused with the line where it is wrong: %j', async (text, line) => {
    write(text);

    expect(await failureOf(readBmc(file(), ['web1']))).toMatchObject({ code: 'BmcFileInvalid', details: { line } });
  });
});

describe('IPMI', () => {
  const settings = { ipmi: '10.0.0.201', port: 623, user: 'root', password: 'secret-of-the-bmc' };
  const calls = () => readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n');

  /** Stands in for ipmitool: notes how it was called, and answers. */
  function standIn(answer: string, status = 0): void {
    const script = `#!/bin/sh\necho "$IPMI_PASSWORD: $*" >> ${directory}/calls\necho '${answer}'\nexit ${status}\n`;
    writeFileSync(join(directory, 'ipmitool'), script, { mode: 0o755 });
    process.env.PATH = `${directory}:${path}`;
  }

  it('uses cipher suite 3, and gives the password by the environment', async () => {
    standIn('Chassis Power is on');
    const driver = ipmiDriver(settings, { uefi: false });

    expect(await driver.status()).toBe('on');
    await driver.bootFrom('pxe');
    await driver.on();
    await driver.off();

    const before = 'secret-of-the-bmc: -I lanplus -C 3 -H 10.0.0.201 -p 623 -U root -E -N 2 -R 4 chassis';
    expect(calls()).toEqual([
      `${before} power status`,
      `${before} bootdev pxe`,
      `${before} power on`,
      `${before} power off`,
    ]);
  });

  it('asks for a UEFI boot where the machine starts by UEFI', async () => {
    standIn('Set Boot Device to disk');

    await ipmiDriver(settings, { uefi: true }).bootFrom('disk');

    expect(calls()[0]).toMatch(/chassis bootdev disk options=efiboot$/);
  });

  it('says what the BMC said when it refuses', async () => {
    standIn('Error: Unable to establish IPMI v2 / RMCP+ session', 1);

    expect(await failureOf(ipmiDriver(settings, { uefi: false }).on())).toMatchObject({
      code: 'BmcFailed',
      details: { value: 'Error: Unable to establish IPMI v2 / RMCP+ session' },
    });
  });
});

describe('Redfish', () => {
  let server: Server;
  let requests: { method?: string; url?: string; auth?: string; match?: string; body: string }[];
  let answers: Record<string, [number, unknown]>;

  beforeEach(async () => {
    requests = [];
    answers = {
      'GET /redfish/v1/Systems': [200, { Members: [{ '@odata.id': '/redfish/v1/Systems/1' }] }],
      'GET /redfish/v1/Systems/1': [
        200,
        {
          PowerState: 'PoweringOn',
          Actions: { '#ComputerSystem.Reset': { target: '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset' } },
        },
      ],
      'POST /redfish/v1/Systems/1/Actions/ComputerSystem.Reset': [204, undefined],
      'PATCH /redfish/v1/Systems/1': [200, {}],
    };
    server = createServer(async (request: IncomingMessage, response) => {
      const { method, url, headers } = request;
      let body = '';
      for await (const chunk of request) body += chunk;
      requests.push({ method, url, auth: headers.authorization, match: headers['if-match'], body });
      const [status, answer] = answers[`${method} ${url}`] ?? [404, { error: { message: 'no such resource' } }];
      response.writeHead(status, { etag: 'W/"7"' }).end(answer === undefined ? undefined : JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const driver = (more: object = {}) =>
    redfishDriver({
      redfish: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      insecure: false,
      user: 'admin',
      password: 'pass',
      ...more,
    });

  it('finds the system, asks for its state, switches it, and sets the boot device once', async () => {
    const bmc = driver();

    expect(await bmc.status()).toBe('on');
    await bmc.off();
    await bmc.bootFrom('pxe');

    const login = `Basic ${Buffer.from('admin:pass').toString('base64')}`;
    expect(requests.every(({ auth }) => auth === login)).toBe(true);
    expect(requests.filter(({ method }) => method !== 'GET')).toEqual([
      {
        method: 'POST',
        url: '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset',
        auth: login,
        match: undefined,
        body: '{"ResetType":"ForceOff"}',
      },
      {
        method: 'PATCH',
        url: '/redfish/v1/Systems/1',
        auth: login,
        match: 'W/"7"',
        body: '{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}',
      },
    ]);
  });

  it('asks to be told which system where there are several', async () => {
    answers['GET /redfish/v1/Systems'] = [200, { Members: [{ '@odata.id': '/a' }, { '@odata.id': '/b' }] }];

    expect(await failureOf(driver().status())).toMatchObject({ code: 'BmcFailed', details: { value: '/a /b' } });
    expect(await driver({ system: '/redfish/v1/Systems/1' }).status()).toBe('on');
  });

  it('says what the BMC said when it refuses, and does not trust what is no Redfish', async () => {
    answers['POST /redfish/v1/Systems/1/Actions/ComputerSystem.Reset'] = [
      409,
      { error: { message: 'the chassis is locked' } },
    ];
    expect((await failureOf(driver().on())).details.value).toBe('the chassis is locked');

    answers['GET /redfish/v1/Systems/1'] = [200, { hello: 'world' }];
    expect((await failureOf(driver().status())).message).toContain('answers other than Redfish does');
  });
});
