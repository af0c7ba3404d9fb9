import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

it('is on the controller, or on a host of its own, and speaks TLS at the port for it', async () => {
  const plain = await planOf(plugin);
  const own = await planOf(plugin, 'CONFIG_AMQP_HOST=broker', 'CONFIG_AMQP_ENABLE_SSL=y');

  expect(plain.manifests).toEqual(['rabbitmq@ctl']);
  expect(await plain.asked()).toEqual(['ctl:5672']);
  expect(own.manifests).toEqual(['rabbitmq@broker']);
  expect(await own.asked()).toEqual(['broker:5671']);
});

it('leaves the broker of somebody else alone', async () => {
  const { problems, manifests, asked } = await planOf(plugin, 'CONFIG_AMQP_INSTALL=n', 'CONFIG_AMQP_HOST=192.0.2.7');

  expect([problems, manifests, await asked()]).toEqual([[], [], []]);
});

it('refuses a user that a URL cannot have, and other brokers', async () => {
  const { problems } = await planOf(plugin, 'CONFIG_AMQP_AUTH_USER=open stack', 'CONFIG_AMQP_BACKEND=qpid');

  expect(problems).toEqual([
    'CONFIG_AMQP_AUTH_USER: open stack is not a user name: letters, digits, dots, dashes',
    'CONFIG_AMQP_BACKEND: qpid is not one of rabbitmq',
  ]);
});
