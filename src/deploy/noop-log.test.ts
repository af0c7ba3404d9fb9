import { expect, it } from 'vitest';
import { registerSecret } from '../base/mask.js';
import { readNoopLog } from './noop-log.js';

const HOME = '/run/stackwright/plan-x';

/** As puppet 7 writes them with `--logdest FILE.jsonl`. */
function log(...lines: { level?: string; message: string; source: string; file?: string; line?: number }[]): string {
  return lines.map((line) => `${JSON.stringify({ level: 'notice', tags: ['class'], ...line })}\n`).join('');
}

const noop = (source: string, message: string) => ({ source, message: `${message} (noop)` });

it('tells resource, property, values and place of a change', () => {
  const text = log(
    { message: 'Compiled catalog for ctl in environment production in 0.38 seconds', source: 'Puppet' },
    {
      ...noop('/Stage[main]/Foo/File[/etc/x.conf]/ensure', "current_value 'absent', should be 'file'"),
      file: `${HOME}/manifests/ctl_foo.pp`,
      line: 3,
    },
    noop('/Stage[main]/Foo/Exec[run me]/returns', "current_value 'notrun', should be ['0']"),
    { message: "Would have triggered 'refresh' from 1 event", source: '/Stage[main]/Foo/Service[memcached]' },
    { message: "Would have triggered 'refresh' from 1 event", source: '/Stage[main]/Foo/Exec[reload [it]/now]' },
    { message: "Would have triggered 'refresh' from 5 events", source: 'Class[Foo]' },
    { message: 'Applied catalog in 2.21 seconds', source: 'Puppet' },
  );

  const { changes, unknown } = readNoopLog(text, HOME);

  expect(unknown).toEqual([]);
  expect(changes).toEqual([
    {
      resource: 'File[/etc/x.conf]',
      property: 'ensure',
      what: "current_value 'absent', should be 'file'",
      file: 'manifests/ctl_foo.pp',
      line: 3,
    },
    { resource: 'Exec[run me]', property: 'returns', what: 'would run', file: null, line: null },
    { resource: 'Service[memcached]', property: null, what: 'would be restarted', file: null, line: null },
    { resource: 'Exec[reload [it]/now]', property: null, what: 'would be refreshed', file: null, line: null },
  ]);
});

it('says what cannot be told before an earlier step, and what comes after that', () => {
  const text = log(
    { level: 'err', message: 'Permission denied @ rb_sysopen - /proc/1/environ', source: 'Facter' },
    {
      level: 'err',
      message: "Could not prefetch rabbitmq_user provider 'rabbitmqctl': Command rabbitmqctl is missing",
      source: 'Puppet',
    },
    {
      level: 'warning',
      message: 'Skipping because provider prefetch failed',
      source: '/Stage[main]/Main/Rabbitmq_user[x]',
    },
    { level: 'err', message: 'Could not find a suitable provider for mysql_user', source: 'Puppet' },
    { level: 'warning', message: 'Skipping because of failed dependencies', source: '/Stage[main]/Main/Notify[after]' },
    { level: 'warning', message: 'Unknown variable', source: 'Puppet' },
  );

  expect(readNoopLog(text, HOME)).toEqual({
    changes: [],
    unknown: [
      {
        resource: null,
        why: "Could not prefetch rabbitmq_user provider 'rabbitmqctl': Command rabbitmqctl is missing",
      },
      { resource: 'Rabbitmq_user[x]', why: 'comes after something that cannot be told yet' },
      { resource: null, why: 'Could not find a suitable provider for mysql_user' },
      { resource: 'Notify[after]', why: 'comes after something that cannot be told yet' },
    ],
  });
});

it('shows no secret: neither one of the answers nor one that is on the host', () => {
  registerSecret('s3cret-of-answers');
  const text = log(
    noop('/Stage[main]/X/Nova_config[database/connection]/value', "current_value 'mysql://old-pw@db', should be 'new'"),
    noop('/Stage[main]/X/Mysql_user[a@b]/password_hash', "current_value '*OLD', should be '*NEW'"),
    noop('/Stage[main]/X/File_line[a]/ensure', "current_value 's3cret-of-answers', should be 'b'"),
    { level: 'err', message: 'nova-manage s3cret-of-answers failed', source: '/Stage[main]/X/Exec[sync]' },
  );

  const verdict = readNoopLog(text, HOME);

  expect(JSON.stringify(verdict)).not.toMatch(/old-pw|OLD|s3cret/);
  expect(verdict.changes.map(({ what }) => what)).toEqual([
    'would be changed',
    'would be changed',
    "current_value '********', should be 'b'",
  ]);
});

it('takes a log that was cut off, or is none', () => {
  const text = log(noop('/Stage[main]/X/File[/a]/mode', "current_value '0644', should be '0600'"));

  expect(readNoopLog(`${text}{"level":"not`, HOME).changes).toHaveLength(1);
  expect(readNoopLog('[]\n{"level":7}\nnothing\n', HOME)).toEqual({ changes: [], unknown: [] });
});
