import { readdirSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { stringify } from 'yaml';
import { shellQuote } from '../base/command.js';
import type { Element } from './elements.js';

/** The directories and facts of one build that its scripts are told about. */
export interface BuildPlace {
  arch: string;
  elements: Element[];
  elementsPath: string[];
  /** `TMP_BUILD_DIR`. */
  work: string;
  /** The root of the image: `TMP_MOUNT_PATH`, `TARGET_ROOT`. */
  root: string;
  hooks: string;
  /** `DIB_IMAGE_CACHE`. */
  cache: string;
  imageName: string;
  withoutBase: boolean;
}

const outsidePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Variables of a login session: scripts may see them, and no image depends on them. */
const sessionVariables =
  /^(PWD|OLDPWD|HOME|PATH|SHLVL|_|TERM|COLORTERM|COLUMNS|LINES|LS_COLORS|LESS.*|PAGER|EDITOR|VISUAL|USER|LOGNAME|MAIL|SHELL|DISPLAY|TMUX.*|HIST.*|PS1|HOSTNAME|LANG|LANGUAGE|LC_.*|TMPDIR|VIRTUAL_ENV|NODE.*|npm_.*|INIT_CWD|VITEST.*|VITE_.*|TEST|MODE|DEV|PROD|BASE_URL|SSR|SSH_.*|XDG_.*|DBUS_.*|SUDO_.*|GPG_.*|INVOCATION_ID|JOURNAL_STREAM|STACKWRIGHT_.*|DATABASE_URL|(http|https|ftp|no|all)_proxy|(HTTP|HTTPS|FTP|NO|ALL)_PROXY)$/;

/** Variables that say how to build and not what. */
const buildingVariables =
  /^(DIB_IMAGE_CACHE|DIB_NO_TMPFS|DIB_MIN_TMPFS|DIB_DEBUG_TRACE|DIB_OFFLINE|DIB_LOCKFILES|DIB_ARGS|DIB_MANIFEST_SAVE_DIR|DIB_SHOW_IMAGE_USAGE|ELEMENTS_PATH|ARCH|break)$/;

/** The part of the caller's environment that the image depends on, sorted by name. */
export function identifyingEnvironment(environment: Record<string, string>): [name: string, value: string][] {
  return Object.entries(environment)
    .filter(([name]) => !sessionVariables.test(name) && !buildingVariables.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Proxies and the like come from our own process also where the caller gives an environment. */
export function proxyEnvironment(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const names = Object.keys(environment).filter((name) => /^(http|https|ftp|no|all)_proxy$/i.test(name));
  return Object.fromEntries(names.map((name) => [name, environment[name] ?? '']));
}

/**
 * The environment of every phase, before environment.d. The names are diskimage-builder's, whose
 * elements rely on them.
 */
export function buildEnvironment(caller: Record<string, string>, place: BuildPlace): Record<string, string> {
  const fileSystem = caller.FS_TYPE ?? 'ext4';
  return {
    COMPRESS_IMAGE: 'true',
    DIB_ARGS: '',
    DIB_BOOT_LABEL: '',
    DIB_CHECKSUM: '0',
    DIB_DEBUG_TRACE: '0',
    DIB_DEFAULT_INSTALLTYPE: 'source',
    DIB_LOCKFILES: join(place.cache, 'locks'),
    DIB_MANIFEST_SAVE_DIR: join(place.work, 'image', `${basename(place.imageName)}.d/`),
    DIB_MIN_TMPFS: '4',
    DIB_MOUNTPOINTS: '/',
    DIB_NO_TMPFS: '0',
    DIB_OFFLINE: '',
    DIB_PYTHON_EXEC: '/usr/bin/python3',
    DIB_ROOT_FSTYPE: fileSystem,
    DIB_ROOT_LABEL: 'cloudimg-rootfs',
    FS_TYPE: fileSystem,
    ...caller,
    ARCH: place.arch,
    DIB_BLOCK_DEVICE_PARAMS_YAML: join(place.work, 'block-device', 'params.yaml'),
    DIB_ENV: declarations(caller),
    DIB_IMAGE_CACHE: place.cache,
    ELEMENTS_PATH: place.elementsPath.join(delimiter),
    ...elementVariables(place.elements),
    IMAGE_NAME: place.imageName,
    IMAGE_TYPE: 'tree',
    LC_ALL: 'C',
    OUT_IMAGE_PATH: join(place.work, 'image', place.imageName),
    PS4: '+ $' + '{BASH_SOURCE:-}:$' + '{FUNCNAME[0]:-}:L$' + '{LINENO:-}:   ',
    TMP_BUILD_DIR: place.work,
    TMP_HOOKS_PATH: place.hooks,
    TMP_IMAGE_DIR: join(place.work, 'image'),
    TMP_MOUNT_PATH: place.root,
    _LIB: join(place.work, 'lib'),
    ...(place.withoutBase ? { SKIP_BASE: '1' } : {}),
  };
}

/** The caller's own `DIB_` variables as bash's `declare -x` prints them; kept in an image's manifest. */
function declarations(caller: Record<string, string>): string {
  const names = Object.keys(caller).filter((name) => name.startsWith('DIB_'));
  const quoted = (value: string) => value.replaceAll(/["\\$`]/g, '\\$&');
  return names
    .sort()
    .map((name) => `declare -x ${name}="${quoted(caller[name] ?? '')}"`)
    .join('\n');
}

/** What is set for the resolved elements. */
function elementVariables(elements: Element[]): { IMAGE_ELEMENT: string; IMAGE_ELEMENT_YAML: string } {
  return {
    IMAGE_ELEMENT: elements.map(({ name }) => name).join(' '),
    IMAGE_ELEMENT_YAML: stringify(Object.fromEntries(elements.map(({ name, path }) => [name, path]))),
  };
}

/** The words of an associative array of bash: elements and their directories. */
function elementArray(elements: Element[]): string {
  return elements.map(({ name, path }) => `[${name}]=${path}`).join(' ');
}

/** As `element-info --env` prints it, for `eval` in a shell. */
export function elementExports(elements: Element[]): string {
  const { IMAGE_ELEMENT, IMAGE_ELEMENT_YAML } = elementVariables(elements);
  return [
    `export IMAGE_ELEMENT='${IMAGE_ELEMENT}'`,
    `export IMAGE_ELEMENT_YAML='${IMAGE_ELEMENT_YAML}'`,
    'function get_image_element_array {',
    `  echo "${elementArray(elements)}"`,
    '};',
    'export -f get_image_element_array;',
  ].join('\n');
}

/** Added for phases on the build host. */
export function outsideEnvironment(place: BuildPlace): Record<string, string> {
  return {
    PATH: `${process.env.PATH ?? ''}:${outsidePath}:${join(place.work, 'lib', 'bin')}`.replace(/^:/, ''),
    HOME: process.env.HOME ?? '/root',
    TARGET_ROOT: place.root,
    'BASH_FUNC_die%%': `() { ${dieBody} }`,
    'BASH_FUNC_get_image_element_array%%': `() { echo '${elementArray(place.elements)}'; }`,
  };
}

/** Replaces for phases in the image; `undefined` takes a variable away. */
export function insideEnvironment(): Record<string, string | undefined> {
  return {
    PATH: outsidePath,
    HOME: '/root',
    TMPDIR: undefined,
    VIRTUAL_ENV: undefined,
  };
}

const dieBody = 'echo "ERROR: $*" >&2; exit 1;';

/** Shell files that elements source from `$_LIB`, and programs for a host that lacks them. */
export const libraryFiles: Record<string, string> = {
  die: `#!/bin/bash\nfunction die() { ${dieBody} }\nexport -f die\n`,
  'common-functions': `#!/bin/bash\nfunction die() { ${dieBody} }\n`,
  'img-functions': [
    '#!/bin/bash',
    '# select_boot_kernel_initrd ROOT: sets BOOTDIR, KERNEL and RAMDISK, names below ROOT/boot, of its newest kernel.',
    'function select_boot_kernel_initrd() {',
    '    BOOTDIR=$1/boot',
    '    KERNEL=$(cd "$BOOTDIR" && ls -1 | grep -E "^(vmlinuz|vmlinux|Image|zImage)-" | grep -v rescue | sort -V | tail -n 1)',
    '    local version=${KERNEL#*-}',
    '    RAMDISK=$(cd "$BOOTDIR" && ls -1 | grep -xF -e "initrd.img-$version" -e "initramfs-$version.img" -e "initrd-$version" | head -n 1)',
    '    [ -n "$KERNEL" ] && [ -n "$RAMDISK" ]',
    '}',
    '',
  ].join('\n'),
  // Scripts out of the image call sudo, and a build runs as root.
  'bin/sudo': [
    '#!/bin/bash',
    'while [[ ${1:-} == -* ]]; do',
    '    case $1 in',
    '        --) shift; break ;;',
    '        -u | -g | -C | -p | -D | -h | -r | -t | -T | -U) shift 2 ;;',
    '        *) shift ;;',
    '    esac',
    'done',
    'exec env -- "$@"',
    '',
  ].join('\n'),
};

/**
 * A shell program that sources files in one subshell and writes the environment to a file, NUL
 * separated. Not to standard output: that goes to the log, and the environment may hold secrets.
 */
export function sourcingProgram(directory: string, files: string[], destination: string): string {
  const lines = files.map((name) => `source ${shellQuote(`${directory}/${name}`)}`);
  return ['set -ue -o pipefail', ...lines, 'umask 0077', `env -0 > ${shellQuote(destination)}`].join('\n');
}

/** Reads `env -0`. */
export function parseEnvironment(output: string): Record<string, string> {
  const entries = output.split('\0').flatMap((entry): [string, string][] => {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at);
    return at > 0 && name !== '_' && name !== 'SHLVL' ? [[name, entry.slice(at + 1)]] : [];
  });
  return Object.fromEntries(entries);
}

/** `amd64` or `arm64` as Debian names this machine's architecture. */
export function hostArchitecture(): string {
  const names: Record<string, string> = { x64: 'amd64', arm64: 'arm64', ppc64: 'ppc64el', s390x: 's390x' };
  return names[process.arch] ?? process.arch;
}

/** The versions of the kernels in a tree, the highest last. */
export function kernelVersions(root: string): string[] {
  try {
    return readdirSync(join(root, 'lib', 'modules')).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch {
    // An image without a kernel, such as a container.
    return [];
  }
}
