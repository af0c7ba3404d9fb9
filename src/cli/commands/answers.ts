import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface AnswersFlags {
  json: boolean;
}

export interface RotateFlags {
  answerFile: string;
  json: boolean;
}

export interface GenerateFlags {
  force: boolean;
  fromInventory: boolean;
  installHosts?: string;
  set?: string[];
  json: boolean;
}

const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;
const file = {
  kind: 'tuple',
  parameters: [{ parse: String, brief: 'The answer file', placeholder: 'FILE' }],
} as const;

const checkCommand = buildCommand<AnswersFlags, [string], CliContext>({
  loader: async () => (await import('./answers.run.js')).check,
  parameters: { flags: { json }, positional: file },
  docs: {
    brief: 'Say what is wrong with an answer file',
    customUsage: [{ input: 'answers.txt', brief: 'Every wrong, old, unknown and unsupported answer, with its line' }],
  },
});

const generateCommand = buildCommand<GenerateFlags, [string], CliContext>({
  loader: async () => (await import('./answers.run.js')).generate,
  parameters: {
    flags: {
      force: { kind: 'boolean', brief: 'Write over an existing file', default: false, withNegated: false },
      fromInventory: {
        kind: 'boolean',
        brief: 'For the installed machines of the inventory, by role or profile controller, compute, network',
        default: false,
        withNegated: false,
      },
      installHosts: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'For these hosts: the controller, then compute hosts',
        placeholder: 'HOSTS',
      },
      set: {
        kind: 'parsed',
        parse: String,
        optional: true,
        variadic: true,
        brief: 'NAME=VALUE instead of the default; may be given several times',
        placeholder: 'NAME=VALUE',
      },
      json,
    },
    positional: file,
  },
  docs: {
    brief: 'Write an answer file with every parameter and its default',
    customUsage: [
      { input: 'answers.txt', brief: 'Edit the file, then: stackwright deploy --answer-file answers.txt' },
      { input: '--from-inventory answers.txt', brief: 'For the machines that were installed' },
      { input: '--set CONFIG_DEBUG_MODE=y answers.txt', brief: 'With an answer of your own' },
    ],
  },
});

const showCommand = buildCommand<AnswersFlags, [string], CliContext>({
  loader: async () => (await import('./answers.run.js')).show,
  parameters: { flags: { json }, positional: file },
  docs: {
    brief: 'Show every parameter with the value that a deployment would use',
    customUsage: [{ input: 'answers.txt', brief: 'Values from the file and defaults; secrets are masked' }],
  },
});

const diffCommand = buildCommand<AnswersFlags, [string, string], CliContext>({
  loader: async () => (await import('./answers.run.js')).diff,
  parameters: {
    flags: { json },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: String, brief: 'An answer file', placeholder: 'BEFORE' },
        { parse: String, brief: 'Another', placeholder: 'AFTER' },
      ],
    },
  },
  docs: {
    brief: 'Show where two answer files give different values',
    customUsage: [{ input: 'old.txt new.txt', brief: 'Defaults and old names taken into account; secrets masked' }],
  },
});

const rotateCommand = buildCommand<RotateFlags, string[], CliContext>({
  loader: async () => (await import('./answers.run.js')).rotate,
  parameters: {
    flags: {
      answerFile: { kind: 'parsed', parse: String, brief: 'The file to change', placeholder: 'FILE' },
      json,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: String, brief: 'A password', placeholder: 'CONFIG_…' },
    },
  },
  docs: {
    brief: 'Give passwords of an answer file new random values',
    customUsage: [
      { input: '--answer-file answers.txt CONFIG_GLANCE_DB_PW', brief: 'Then deploy, which brings it to the hosts' },
    ],
  },
});

const optionsCommand = buildCommand<Record<never, never>, [], CliContext>({
  loader: async () => (await import('./answers.run.js')).options,
  parameters: {},
  docs: {
    brief: 'Describe every parameter of answer files, as Markdown',
    customUsage: [{ input: '', brief: 'What docs/reference/parameters.md has' }],
  },
});

export const answersRoutes = buildRouteMap({
  routes: {
    check: checkCommand,
    generate: generateCommand,
    show: showCommand,
    diff: diffCommand,
    rotate: rotateCommand,
    options: optionsCommand,
  },
  docs: { brief: 'Check, write, show, compare and describe answer files' },
});
