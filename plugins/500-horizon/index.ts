import { manifestsOn } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { PASSWORD_PLACEHOLDER, randomKey } from '../../src/deploy/processors.js';
import { answerSequence } from '../../src/deploy/service-answer.js';
import { notEmpty } from '../../src/deploy/validators.js';

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

const horizon: ParameterGroup = {
  name: 'OSHORIZON',
  description: 'Dashboard',
  preCondition: (known) => known.is('CONFIG_HORIZON_INSTALL'),
  parameters: [
    {
      name: 'CONFIG_HORIZON_SECRET_KEY',
      cmdOption: 'os-horizon-secretkey',
      prompt: 'Enter the key by which the dashboard signs sessions',
      usage: 'Key by which the dashboard signs sessions.',
      default: PASSWORD_PLACEHOLDER,
      processors: [randomKey],
      validators: [notEmpty],
      mask: true,
      useDefault: true,
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'horizon',
  groups: [horizon],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_HORIZON_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const tls = configuration.is('CONFIG_HORIZON_SSL');
    const foreignCertificate = configuration.get('CONFIG_HORIZON_SSL_CERT') !== '';
    const port = tls ? HTTPS_PORT : HTTP_PORT;
    return {
      manifests: manifestsOn([host], {
        folder: '500-horizon',
        name: 'horizon',
        modules: ['puppet-module-puppetlabs-stdlib'],
        startsLast: true,
        packages: ['openstack-dashboard-apache'],
      }),
      verify: [
        answerSequence('horizon answers', [
          { service: 'apache2', host, port, path: '/horizon/auth/login/', tls, foreignCertificate },
        ]),
      ],
      messages: [
        `the dashboard is at http${tls ? 's' : ''}://${host}/horizon, and its administrator in /root/keystonerc_admin on ${host}`,
      ],
    };
  },
};
