import { expect, it } from 'vitest';
import { planOf } from '../../src/deploy/plugin.fixture.js';
import { plugin } from './index.js';

const on = ['CONFIG_CINDER_INSTALL=y', 'CONFIG_STORAGE_HOST=st', 'CONFIG_COMPUTE_HOSTS=c1,c2'];

it('is off unless it is asked for', async () => {
  expect((await planOf(plugin)).manifests).toEqual([]);
});

it('has volumes on the storage host, and what attaches them on the compute hosts', async () => {
  const { problems, manifests, packages, asked } = await planOf(plugin, ...on);

  expect(problems).toEqual([]);
  expect(manifests).toEqual(['cinder-controller@ctl', 'cinder-volume@st', 'cinder-compute@c1', 'cinder-compute@c2']);
  expect(packages('cinder-volume@st')).toEqual(expect.arrayContaining(['cinder-volume', 'tgt', 'lvm2']));
  expect(packages('cinder-compute@c1')).toEqual(['open-iscsi']);
  expect(await asked()).toEqual(['ctl:8776/', 'ctl cinder-scheduler', 'st cinder-volume']);
  expect((await planOf(plugin, ...on, 'CONFIG_NOVA_INSTALL=n')).manifests).toEqual([
    'cinder-controller@ctl',
    'cinder-volume@st',
  ]);
});

it('makes no volume group where there is one', async () => {
  const { packages } = await planOf(plugin, ...on, 'CONFIG_CINDER_VOLUMES_CREATE=n');

  expect(packages('cinder-volume@st')).toContain('tgt');
  expect(packages('cinder-volume@st')).not.toContain('lvm2');
});

it('exports a directory itself where no export is given', async () => {
  const nfs = 'CONFIG_CINDER_BACKEND=nfs';
  const own = await planOf(plugin, ...on, nfs);
  const given = await planOf(plugin, ...on, nfs, 'CONFIG_CINDER_NFS_MOUNTS=nas:/volumes');

  expect(own.packages('cinder-volume@st')).toEqual(expect.arrayContaining(['nfs-common', 'nfs-kernel-server']));
  expect(given.packages('cinder-volume@st')).toContain('nfs-common');
  expect(given.packages('cinder-volume@st')).not.toContain('nfs-kernel-server');
  expect(own.packages('cinder-compute@c1')).toEqual(['nfs-common']);
  expect((await planOf(plugin, ...on, nfs, 'CONFIG_CINDER_NFS_MOUNTS=volumes')).problems).toEqual([
    expect.stringContaining('CONFIG_CINDER_NFS_MOUNTS'),
  ]);
});
