import { manifestsOn, secret, serviceHost } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { answerSequence } from '../../src/deploy/service-answer.js';
import { matches, notEmpty } from '../../src/deploy/validators.js';

const AMQP_PORT = 5672;
const AMQPS_PORT = 5671;

const amqp: ParameterGroup = {
  name: 'AMQP',
  description: 'Message broker',
  preCondition: (known) => known.is('CONFIG_KEYSTONE_INSTALL') || known.is('CONFIG_AMQP_INSTALL'),
  parameters: [
    {
      name: 'CONFIG_AMQP_BACKEND',
      cmdOption: 'amqp-backend',
      prompt: 'Enter the message broker',
      usage: 'The message broker.',
      default: 'rabbitmq',
      options: ['rabbitmq'],
      useDefault: true,
      deprecates: ['CONFIG_AMQP_SERVER'],
    },
    serviceHost({
      // One of somebody else is not logged in to.
      namesHosts: (known) => known.is('CONFIG_AMQP_INSTALL'),
      name: 'CONFIG_AMQP_HOST',
      cmdOption: 'amqp-host',
      prompt: 'Enter the host for the message broker',
      usage: 'Server of the message broker. It is the controller unless given.',
      deprecates: ['CONFIG_QPID_HOST', 'CONFIG_RABBITMQ_HOST'],
    }),
    {
      name: 'CONFIG_AMQP_AUTH_USER',
      cmdOption: 'amqp-auth-user',
      prompt: 'Enter the user of the message broker',
      usage: 'User by which services reach the message broker. There is none without a password.',
      default: 'openstack',
      validators: [notEmpty, matches(/[A-Za-z0-9_.-]+/, 'a user name: letters, digits, dots, dashes')],
    },
    secret('CONFIG_AMQP_AUTH_PASSWORD', 'amqp-auth-password', 'the user of the message broker'),
  ],
};

export const plugin: DeployPlugin = {
  name: 'amqp',
  groups: [amqp],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_AMQP_INSTALL')) return {};
    const host = configuration.get('CONFIG_AMQP_HOST');
    const port = configuration.is('CONFIG_AMQP_ENABLE_SSL') ? AMQPS_PORT : AMQP_PORT;
    return {
      manifests: manifestsOn([host], {
        folder: '002-amqp',
        name: 'rabbitmq',
        modules: ['puppet-module-puppetlabs-rabbitmq'],
        packages: ['rabbitmq-server'],
      }),
      verify: [answerSequence('RabbitMQ answers', [{ service: 'rabbitmq-server', host, port }])],
    };
  },
};
