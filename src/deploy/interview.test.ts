import { expect, it } from 'vitest';
import { mask } from '../base/mask.js';
import { type Interviewer, interview } from './interview.js';

/** Answers by name, in turn; what is not here is answered with Enter. */
function personWith(answers: Record<string, string[]>, verdicts = [true]) {
  const said: string[] = [];
  const groups: string[] = [];
  const asked: string[] = [];
  const summaries: string[][] = [];
  const answer = ({ name, proposal }: { name: string; proposal: string }, enter = proposal) => {
    asked.push(name);
    return answers[name]?.shift() ?? enter;
  };
  const person: Interviewer = {
    begin: (title) => groups.push(title),
    text: async (question) => answer(question),
    secret: async (question) => answer(question, ''),
    choose: async (question) => answer(question),
    say: (message) => said.push(message),
    accept: async (summary) => {
      summaries.push(summary.map(({ prompt, value }) => `${prompt}=${value}`));
      return verdicts.shift() ?? true;
    },
  };
  return { person, said, groups, asked, summaries };
}

const noService = ['MEMCACHED', 'KEYSTONE'].map((name): [string, string] => [`CONFIG_${name}_INSTALL`, 'n']);

it('asks group by group, and neither for what is given nor for groups that do not apply', async () => {
  const { person, groups, asked } = personWith({ CONFIG_CONTROLLER_HOST: ['ctl'] });

  const given = await interview(person, { overrides: new Map([...noService, ['CONFIG_DEBUG_MODE', 'y']]) });

  expect(groups).toEqual(['Services to install', 'Global Options']);
  expect(asked).toContain('CONFIG_CONTROLLER_HOST');
  expect(asked).not.toContain('CONFIG_DEBUG_MODE');
  expect(asked).not.toContain('CONFIG_MEMCACHED_MAX_MEMORY');
  expect(Object.fromEntries(given)).toMatchObject({ CONFIG_CONTROLLER_HOST: 'ctl', CONFIG_DEBUG_MODE: 'y' });
});

it('judges each answer at once, and asks again', async () => {
  const { person, said, asked } = personWith({ CONFIG_CONTROLLER_HOST: ['not a host', 'ctl'] });

  const given = await interview(person, { overrides: new Map(noService) });

  expect(said).toContain('not a host is not a host name or address');
  expect(asked.filter((name) => name === 'CONFIG_CONTROLLER_HOST')).toHaveLength(2);
  expect(given.get('CONFIG_CONTROLLER_HOST')).toBe('ctl');
});

it('has a password repeated until both are the same, and shows none', async () => {
  const passwords = ['sesame-one', 'sesame-two', 'sesame-one', 'sesame-one'];
  const { person, said, summaries } = personWith({ CONFIG_DEFAULT_PASSWORD: passwords });

  const given = await interview(person, { overrides: new Map(noService) });

  expect(said).toContain('the two are not the same');
  expect(given.get('CONFIG_DEFAULT_PASSWORD')).toBe('sesame-one');
  expect(summaries.flat()).toContain('CONFIG_DEFAULT_PASSWORD=********');
  expect(mask('it is sesame-one')).toBe('it is ********');
});

it('asks a query of the inventory at once, and keeps it as it is', async () => {
  const { person, said } = personWith({ CONFIG_CONTROLLER_HOST: ['role=nothing', 'role=controller'] });
  const findMachines = async (_property: string, value: string) => (value === 'controller' ? ['ctl'] : []);

  const given = await interview(person, { overrides: new Map(noService), findMachines });

  expect(said).toEqual(
    expect.arrayContaining(['role=nothing names no installed machine: no role is nothing', 'role=controller is ctl']),
  );
  expect(given.get('CONFIG_CONTROLLER_HOST')).toBe('role=controller');
});

it('asks all over again where the answers are not accepted, and proposes them', async () => {
  const { person, summaries } = personWith({ CONFIG_CONTROLLER_HOST: ['one'] }, [false, true]);

  const given = await interview(person, { overrides: new Map(noService) });

  expect(summaries).toHaveLength(2);
  expect(given.get('CONFIG_CONTROLLER_HOST')).toBe('one');
});
