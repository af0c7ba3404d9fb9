import { parseArgs } from 'node:util';
import packageFile from '../../package.json' with { type: 'json' };
import { messageOf, StackwrightError } from '../base/errors.js';
import {
  type CommandOption,
  checkAnswers,
  commandOptions,
  generateAnswers,
  newAnswerFilePath,
  parameterReference,
} from '../deploy/index.js';
import { mayWriteOver } from './answer-source.js';
import { deploy } from './commands/deploy.run.js';
import { type CliContext, command } from './context.js';
import { wrongUsage } from './failure.js';
import { parseSeconds } from './seconds.js';

/** The options of packstack that set no parameter; the texts are for `--help`. */
const ownOptions = {
  'gen-answer-file': { type: 'string', help: 'FILE  write an answer file with every parameter' },
  'validate-answer-file': { type: 'string', help: 'FILE  check an answer file; a strange name is an error' },
  'answer-file': { type: 'string', help: 'FILE  deploy what the file says; no parameter may be given beside it' },
  'install-hosts': { type: 'string', help: 'HOST[,HOST…]  deploy on a controller and compute hosts' },
  allinone: { type: 'boolean', help: 'deploy everything on this machine' },
  timeout: { type: 'string', short: 't', help: 'SECONDS  for one command within a manifest; 300' },
  options: { type: 'boolean', short: 'o', help: 'describe every parameter' },
  debug: { type: 'boolean', short: 'd', help: 'show more' },
  'dry-run': { type: 'boolean', short: 'y', help: 'write manifests, execute nothing' },
  version: { type: 'boolean', help: 'print the version' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies Record<string, { type: 'string' | 'boolean'; short?: string; help: string }>;

type OwnOption = keyof typeof ownOptions;

/** What the words of a command line say. */
interface Request {
  own: Partial<Record<OwnOption, string | boolean>>;
  /** Values of parameters, by name. */
  parameters: Map<string, string>;
}

/** The old command with its own options, an option for each parameter among them. */
export async function packstack(context: CliContext, words: string[]): Promise<void> {
  await command(context, false, async () => {
    const options = await commandOptions();
    const { own, parameters } = readWords(words, options);
    if (own.help) context.print(helpText(options));
    else if (own.version) context.print(`packstack, by stackwright ${packageFile.version}`);
    else if (own.options) context.print((await parameterReference()).trimEnd());
    else if (typeof own['validate-answer-file'] === 'string') await validate(context, own['validate-answer-file']);
    else if (typeof own['gen-answer-file'] === 'string') {
      await generate(context, own['gen-answer-file'], noteUnsupported(context, options, parameters));
    } else await start(context, own, noteUnsupported(context, options, parameters));
  });
}

async function start(context: CliContext, own: Request['own'], parameters: Map<string, string>): Promise<void> {
  const answerFile = own['answer-file'];
  if (answerFile !== undefined && parameters.size > 0) {
    throw wrongUsage('--answer-file excludes the options of parameters', `put ${[...parameters.keys()]} into the file`);
  }
  const installHosts = own['install-hosts'];
  await deploy(context, {
    ...(typeof answerFile === 'string' ? { answerFile } : {}),
    ...(typeof installHosts === 'string' ? { installHosts } : {}),
    allinone: own.allinone === true,
    overrides: parameters,
    dryRun: own['dry-run'] === true,
    timeout: parseSeconds(String(own.timeout ?? 300)),
    verbose: own.debug === true,
    json: false,
  });
}

async function generate(context: CliContext, path: string, overrides: Map<string, string>): Promise<void> {
  await generateAnswers(path, { overwrite: await mayWriteOver(context, path, false), overrides });
  context.print(`wrote ${path}`);
}

async function validate(context: CliContext, path: string): Promise<void> {
  const strange = (await checkAnswers(path)).filter(
    ({ code, level }) => code === 'UnknownParameter' || level === 'error',
  );
  if (strange.length === 0) {
    context.print(`${path} has no unexpected option`);
    return;
  }
  throw new StackwrightError('AnswersWrong', `${path} is wrong`, {
    file: path,
    line: strange[0]?.line,
    hint: strange.map(({ line, message }) => (line === undefined ? message : `line ${line}: ${message}`)).join('\n'),
  });
}

/** @throws StackwrightError `WrongUsage`: an unknown option, a value that is missing or not wanted */
function readWords(words: string[], options: CommandOption[]): Request {
  const forParameters = Object.fromEntries(options.map(({ option }) => [option, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ args: words, options: { ...forParameters, ...ownOptions }, strict: true });
    const own: Request['own'] = {};
    const parameters = new Map<string, string>();
    const names = new Map(options.map(({ option, name }) => [option, name]));
    for (const [option, value] of Object.entries(values)) {
      if (option in ownOptions) own[option as OwnOption] = value as string | boolean;
      else parameters.set(names.get(option) ?? option, String(value));
    }
    return { own, parameters };
  } catch (error) {
    throw wrongUsage(messageOf(error), 'packstack --help lists the options');
  }
}

/** Parameters that nothing reads are told of, and left out. */
function noteUnsupported(
  context: CliContext,
  options: CommandOption[],
  parameters: Map<string, string>,
): Map<string, string> {
  const supported = new Map(parameters);
  for (const { name, option, why } of options) {
    if (why === undefined || !supported.delete(name)) continue;
    context.process.stderr.write(`--${option} is not supported and has no effect: ${why}\n`);
  }
  return supported;
}

function helpText(options: CommandOption[]): string {
  const own = Object.entries(ownOptions).map(([option, { help, ...rest }]) => {
    const short = 'short' in rest ? `-${rest.short}, ` : '';
    return `  ${short}--${option} ${help}`;
  });
  const parameters = options.filter(({ why }) => why === undefined);
  return [
    'packstack [options]',
    '',
    'Deploys OpenStack from an answer file. Without --answer-file, --allinone and --install-hosts you are asked.',
    '',
    ...own,
    '',
    'Parameters, each with a value:',
    ...parameters.map(({ option, usage }) => `  --${option} VALUE\n      ${usage}`),
    '',
    `${options.length - parameters.length} more options of packstack are taken, and have no effect; --options names them.`,
    '',
    'Examples:',
    '  packstack --gen-answer-file answers.txt',
    '  packstack --answer-file answers.txt --dry-run',
    `  packstack --allinone         keeps its answers as ${newAnswerFilePath()}`,
  ].join('\n');
}
