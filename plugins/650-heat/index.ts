import { databasePackages, manifestsOn, secret, yesNo } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { PASSWORD_PLACEHOLDER, randomKey } from '../../src/deploy/processors.js';
import { answerSequence, runningSequence } from '../../src/deploy/service-answer.js';
import { matches } from '../../src/deploy/validators.js';

const HEAT_PORT = 8004;
const CLOUDFORMATION_PORT = 8000;
const name = matches(/[A-Za-z0-9_.-]+/, 'a name: letters, digits, dots, dashes');

const heat: ParameterGroup = {
  name: 'HEAT',
  description: 'OpenStack Orchestration',
  preCondition: (known) => known.is('CONFIG_HEAT_INSTALL'),
  parameters: [
    secret('CONFIG_HEAT_DB_PW', 'os-heat-mysql-password', 'heat for the database'),
    {
      name: 'CONFIG_HEAT_AUTH_ENC_KEY',
      cmdOption: 'heat-auth-encryption-key',
      prompt: 'Enter the key by which heat encrypts logins in its database',
      usage: 'Key by which heat encrypts logins in its database: 16, 24 or 32 characters.',
      default: PASSWORD_PLACEHOLDER,
      processors: [randomKey],
      validators: [matches(/.{16}|.{24}|.{32}/, 'a key of 16, 24 or 32 characters')],
      mask: true,
      useDefault: true,
    },
    secret('CONFIG_HEAT_KS_PW', 'os-heat-ks-passwd', 'heat for keystone'),
    yesNo({
      name: 'CONFIG_HEAT_CFN_INSTALL',
      cmdOption: 'os-heat-cfn-install',
      prompt: 'Should the interface of CloudFormation be installed',
      usage: "Set to 'y' to install heat's interface of CloudFormation.",
      default: 'y',
    }),
    {
      name: 'CONFIG_HEAT_DOMAIN',
      cmdOption: 'os-heat-domain',
      prompt: "Enter the domain of stacks' users",
      usage: "Domain of keystone in which stacks' users are.",
      default: 'heat',
      validators: [name],
    },
    {
      name: 'CONFIG_HEAT_DOMAIN_ADMIN',
      cmdOption: 'os-heat-domain-admin',
      prompt: 'Enter the administrator of that domain',
      usage: "Administrator of the domain of stacks' users.",
      default: 'heat_admin',
      validators: [name],
    },
    secret('CONFIG_HEAT_DOMAIN_PASSWORD', 'os-heat-domain-password', "the administrator of heat's domain"),
  ],
};

export const plugin: DeployPlugin = {
  name: 'heat',
  groups: [heat],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_HEAT_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    const cloudFormation = { service: 'heat-api-cfn', host, port: CLOUDFORMATION_PORT, path: '/', tls };
    return {
      manifests: manifestsOn([host], {
        folder: '650-heat',
        name: 'heat',
        modules: ['puppet-module-heat'],
        startsLast: true,
        packages: [
          'heat-api',
          ...(configuration.is('CONFIG_HEAT_CFN_INSTALL') ? ['heat-api-cfn'] : []),
          'heat-common',
          'heat-engine',
          ...databasePackages,
        ],
      }),
      verify: [
        answerSequence('heat answers', [
          { service: 'heat-api', host, port: HEAT_PORT, path: '/', tls },
          ...(configuration.is('CONFIG_HEAT_CFN_INSTALL') ? [cloudFormation] : []),
        ]),
        runningSequence('heat-engine', [{ host, units: ['heat-engine'] }]),
      ],
    };
  },
};
