import { databasePackages, manifestsOn, secret } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { answerSequence } from '../../src/deploy/service-answer.js';

const GLANCE_PORT = 9292;

const glance: ParameterGroup = {
  name: 'GLANCE',
  description: 'OpenStack Image',
  preCondition: (known) => known.is('CONFIG_GLANCE_INSTALL'),
  postCondition: (known) =>
    known.get('CONFIG_GLANCE_BACKEND') === 'swift' && !known.is('CONFIG_SWIFT_INSTALL')
      ? 'CONFIG_GLANCE_BACKEND=swift needs CONFIG_SWIFT_INSTALL=y'
      : undefined,
  parameters: [
    secret('CONFIG_GLANCE_DB_PW', 'glance-db-passwd', 'glance for the database'),
    secret('CONFIG_GLANCE_KS_PW', 'glance-ks-passwd', 'glance for keystone'),
    {
      name: 'CONFIG_GLANCE_BACKEND',
      cmdOption: 'glance-backend',
      prompt: 'Enter where images are kept',
      usage: 'Where images are kept: file, in files of the controller; swift, as objects, where swift is installed.',
      default: 'file',
      options: ['file', 'swift'],
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'glance',
  groups: [glance],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_GLANCE_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    const inSwift = configuration.get('CONFIG_GLANCE_BACKEND') === 'swift';
    return {
      manifests: manifestsOn([host], {
        folder: '200-glance',
        name: 'glance',
        modules: ['puppet-module-glance', ...(inSwift ? ['puppet-module-swift'] : [])],
        startsLast: true,
        packages: [
          ...['glance-api', 'python3-openstackclient', ...databasePackages],
          ...(inSwift ? ['python3-swiftclient'] : []),
          ...(tls ? ['haproxy'] : []),
        ],
      }),
      verify: [answerSequence('glance answers', [{ service: 'glance-api', host, port: GLANCE_PORT, path: '/', tls }])],
    };
  },
};
