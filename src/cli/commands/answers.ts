import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface AnswersFlags {
  json: boolean;
}

export interface GenerateFlags {
  force: boolean;
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
      json,
    },
    positional: file,
  },
  docs: {
    brief: 'Write an answer file with every parameter and its default',
    customUsage: [{ input: 'answers.txt', brief: 'Edit the file, then: stackwright deploy --answer-file answers.txt' }],
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

export const answersRoutes = buildRouteMap({
  routes: { check: checkCommand, generate: generateCommand, show: showCommand },
  docs: { brief: 'Check, write and show answer files' },
});
