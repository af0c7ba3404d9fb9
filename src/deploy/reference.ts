import { loadPlugins } from './load-plugins.js';
import { packstackParameters } from './packstack.js';
import type { Parameter } from './parameter.js';
import { PASSWORD_PLACEHOLDER } from './processors.js';

/**
 * Every parameter as a page of Markdown: those that plugins declare by group, then packstack's others with the reason
 * why they have no effect. `docs/reference/parameters.md` is this text.
 */
export async function parameterReference(): Promise<string> {
  const groups = (await loadPlugins()).flatMap((plugin) => plugin.groups);
  const declared = new Set(
    groups.flatMap(({ parameters }) => parameters.flatMap(({ name, deprecates = [] }) => [name, ...deprecates])),
  );
  const others = packstackParameters.filter(({ name }) => !declared.has(name));
  const lines = [
    '# Parameters of answer files',
    '',
    'Made by `stackwright answers options`. How values come about is in [answer-file.md](answer-file.md).',
    '',
  ];
  for (const { description, parameters } of groups) {
    lines.push(`## ${description.trim()}`, '');
    for (const parameter of parameters) lines.push(...entry(parameter));
  }
  lines.push(
    '## Not supported',
    '',
    `These ${others.length} names of packstack, of its last release and of earlier ones, may stand in a file. They are`,
    'reported as `UnsupportedParameter` and have no effect.',
    '',
    '| name | option | why |',
    '|---|---|---|',
    ...others.map(({ name, option, why }) => `| \`${name}\` | \`--${option}\` | ${why} |`),
  );
  return `${lines.join('\n')}\n`;
}

function entry(parameter: Parameter): string[] {
  const { name, cmdOption, usage, options, severalOptions, mask, deprecates } = parameter;
  const several = severalOptions ? ', several separated by commas' : '';
  const facts = [
    `option \`--${cmdOption}\``,
    `default: ${defaultOf(parameter)}`,
    ...(options ? [`one of ${options.map((option) => `\`${option}\``).join(', ')}${several}`] : []),
    ...(mask ? ['secret'] : []),
    ...(deprecates ? [`old names: ${deprecates.map((old) => `\`${old}\``).join(', ')}`] : []),
  ];
  return [`### ${name}`, '', usage, '', ...facts.map((fact) => `- ${fact}`), ''];
}

function defaultOf({ default: value, useDefault }: Parameter): string {
  const silent = useDefault ? ', without a question' : '';
  if (value === undefined) return 'none, it must be given';
  if (typeof value === 'function') return `follows from other parameters${silent}`;
  if (value === PASSWORD_PLACEHOLDER) return 'a random password';
  return `${value === '' ? 'empty' : `\`${value}\``}${silent}`;
}
