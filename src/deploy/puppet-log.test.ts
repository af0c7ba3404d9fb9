import { expect, it } from 'vitest';
import { judgePuppet } from './puppet-log.js';

it.each([
  [0, false],
  [2, true],
])('takes status %i for success', (status, changed) => {
  const verdict = judgePuppet('Notice: Applied catalog in 0.67 seconds\n', status);

  expect(verdict).toEqual({ ok: true, changed, errors: [] });
});

it('fails by an error line though the status is good', () => {
  const output = 'Error: /Stage[main]/Nova/Exec[nova-db-sync]: Failed to call refresh: nova-manage returned 1\n';

  const verdict = judgePuppet(output, 2);

  expect(verdict.ok).toBe(false);
  expect(verdict.errors).toEqual([
    '/Stage[main]/Nova/Exec[nova-db-sync]: Failed to call refresh: nova-manage returned 1',
  ]);
});

it('fails by the status though the log has no error', () => {
  expect(judgePuppet('', 6)).toEqual({ ok: false, changed: true, errors: ['puppet ended with status 6'] });
});

it('sets harmless errors aside', () => {
  const output =
    'Error: Facter: No such file or directory @ dir_initialize - /sys/block\nError: Could not prefetch x\n';

  expect(judgePuppet(output, 2).ok).toBe(true);
});

it('says what the journal has of a service that does not start', () => {
  const journal = [
    'journalctl log for memcached:',
    ...[1, 2, 3, 4, 5, 6].map((number) => `Nov 22 04:00:00 ctl line ${number}`),
  ];
  const again = "Error: /Stage[main]/Memcached/Service[memcached]/ensure: change from 'stopped' to 'running' failed";
  const output = ['Error: Systemd start for memcached failed!', ...journal, '', again, 'Notice: Applied catalog', ''];

  const { errors } = judgePuppet(output.join('\n'), 4);

  expect(errors).toHaveLength(2);
  expect(errors[0]?.split('\n').slice(1)).toEqual(journal.slice(1).map((line) => `  ${line}`));
});

it.each([
  [
    "Error: Execution of 'apt-get install nova-api' returned 100: E: Unable to locate package nova-api",
    'the package sources of the host lack nova-api: see /etc/apt/sources.list.d',
  ],
  ['Error: Systemd start for memcached failed!', 'the service memcached does not start'],
  [
    'Error: Evaluation Error: Error while evaluating a Resource Statement, Could not find declared class memcached (file: /x.pp, line: 9, column: 1) on node ctl',
    'no puppet module has the class memcached',
  ],
  [
    "Error: Function lookup() did not find a value for the name 'CONFIG_X'",
    'the manifest wants CONFIG_X, which the deployment does not give it',
  ],
  ['Error: Command exceeded timeout', 'a command took too long: give more time with --timeout'],
])('rewords %s', (line, meaning) => {
  expect(judgePuppet(`${line}\n${line}\n`, 1).errors).toEqual([expect.stringContaining(meaning)]);
});
