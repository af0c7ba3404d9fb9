import { expect, it } from 'vitest';
import { run } from '../base/command.js';
import { renderAnswers, servicesOf } from './services.js';

function answers(values: Record<string, string>) {
  return {
    get: (name: string) => values[name] ?? '',
    is: (name: string) => values[name] === 'y',
    list: () => [],
    entries: () => Object.entries(values),
  };
}

it('ENABLED_SERVICES are those that the answers install', () => {
  const configuration = answers({
    CONFIG_KEYSTONE_INSTALL: 'y',
    CONFIG_MEMCACHED_INSTALL: 'y',
    CONFIG_AMQP_INSTALL: 'y',
    CONFIG_HEAT_INSTALL: 'n',
  });

  expect(servicesOf(configuration)).toEqual(['memcached', 'rabbit', 'key']);
});

it('interfaces by TLS are told to scripts, and only where they are', () => {
  const told = (value: string) => renderAnswers(answers({ CONFIG_ENDPOINTS_SSL: value }), '192.0.2.7').split('\n');

  expect(told('y')).toContain('SERVICE_PROTOCOL=https');
  expect(told('n').filter((line) => line.startsWith('SERVICE_'))).toEqual([]);
});

it('the shell reads every answer as it is, also under DevStack’s name', async () => {
  const password = `it's "$HOME" \`id\` \\ & #`;
  const text = renderAnswers(answers({ CONFIG_KEYSTONE_ADMIN_PW: password, CONFIG_MARIADB_HOST: '' }), '192.0.2.7');

  const script = `${text}printf '%s\\n' "$CONFIG_KEYSTONE_ADMIN_PW" "$ADMIN_PASSWORD" "$HOST_IP" "\${DATABASE_HOST-unset}"`;
  const { stdout } = await run('bash', ['-c', script]);

  expect(stdout).toBe(`${password}\n${password}\n192.0.2.7\nunset\n`);
});
