import { databasePackages, manifestsOn, secret } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { answerSequence } from '../../src/deploy/service-answer.js';

const PLACEMENT_PORT = 8778;

const placement: ParameterGroup = {
  name: 'PLACEMENT',
  description: 'OpenStack Placement',
  preCondition: (known) => known.is('CONFIG_NOVA_INSTALL'),
  parameters: [
    secret('CONFIG_PLACEMENT_DB_PW', 'placement-db-passwd', 'placement for the database'),
    secret('CONFIG_PLACEMENT_KS_PW', 'placement-ks-passwd', 'placement for keystone'),
  ],
};

export const plugin: DeployPlugin = {
  name: 'placement',
  groups: [placement],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_NOVA_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    return {
      manifests: manifestsOn([host], {
        folder: '290-placement',
        name: 'placement',
        modules: ['puppet-module-placement'],
        startsLast: true,
        packages: ['placement-api', 'placement-common', 'python3-placement', ...databasePackages],
      }),
      verify: [
        answerSequence('placement answers', [{ service: 'placement-api', host, port: PLACEMENT_PORT, path: '/', tls }]),
      ],
    };
  },
};
