import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface ImageShowFlags {
  elementsPath?: string;
  files: boolean;
  json: boolean;
}

export interface ImageDiffFlags {
  files: boolean;
  json: boolean;
}

export interface ImageBomFlags {
  format: string;
  output?: string;
}

const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;

/** One argument for a path, two for a role. */
function imageWords(images: number) {
  return {
    kind: 'array',
    parameter: {
      brief: 'An image: a directory, a file of any format of image build, or name and version of a role',
      parse: String,
      placeholder: 'image',
    },
    minimum: images,
    maximum: images * 2,
  } as const;
}

export const showCommand = buildCommand<ImageShowFlags, string[], CliContext>({
  loader: async () => (await import('./image-contents.run.js')).imageShow,
  parameters: {
    positional: imageWords(1),
    flags: {
      elementsPath: {
        kind: 'parsed',
        parse: String,
        brief: 'Directories of the elements that it was built from, separated by colons (default: ELEMENTS_PATH)',
        optional: true,
      },
      files: { kind: 'boolean', brief: 'List every file with its package', default: false, withNegated: false },
      json,
    },
  },
  docs: {
    brief: 'Show what is in an image: packages, sizes by directory and by element, what it was built from',
    customUsage: [
      { input: '/srv/debian.qcow2', brief: 'An image in a file, or a tree in a directory' },
      { input: 'web D12-F.1.0.0', brief: 'A published role' },
      { input: '--files /srv/tree', brief: 'Mode, owner, bytes, package and path of every file' },
      { input: '--json /srv/debian.raw', brief: 'Everything that is known' },
    ],
  },
});

export const diffCommand = buildCommand<ImageDiffFlags, string[], CliContext>({
  loader: async () => (await import('./image-contents.run.js')).imageDiff,
  parameters: {
    positional: imageWords(2),
    flags: {
      files: {
        kind: 'boolean',
        brief: 'List also the files that come with packages that differ',
        default: false,
        withNegated: false,
      },
      json,
    },
  },
  docs: {
    brief: 'Compare two images by package and file; status 0: equal, 1: different, 2: trouble',
    customUsage: [
      { input: 'old.qcow2 new.squash', brief: 'Two images, of whatever formats' },
      { input: 'web D12-F.1.0.0 web D12-F.1.1.0', brief: 'Two versions of a role' },
      { input: '--files --json old.tar new.tar', brief: 'Every file that differs, and in what' },
    ],
  },
});

export const bomCommand = buildCommand<ImageBomFlags, string[], CliContext>({
  loader: async () => (await import('./image-contents.run.js')).imageBom,
  parameters: {
    positional: imageWords(1),
    flags: {
      format: {
        kind: 'parsed',
        parse: String,
        brief: 'spdx (SPDX 2.3, JSON) or cyclonedx (CycloneDX 1.5, JSON)',
        default: 'spdx',
      },
      output: { kind: 'parsed', parse: String, brief: 'File to write (default: standard output)', optional: true },
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Write the bill of materials of an image',
    customUsage: [
      { input: '/srv/debian.qcow2 -o debian.spdx.json', brief: 'SPDX 2.3' },
      { input: '--format cyclonedx web D12-F.1.0.0', brief: 'CycloneDX 1.5 of a role' },
    ],
  },
});
