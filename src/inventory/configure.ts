import { shellQuote } from '../base/command.js';
import { StackwrightError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { formatPythonLiteral } from '../base/python-literal.js';
import { type LayoutFile, type LayoutMachine, renderLayout } from './layout/index.js';

/** What a profile says about the installation: a script, or a layout from which one is made. */
export interface ConfigureSource {
  name: string;
  configure: { path: string; text: string };
  layout?: LayoutFile;
}

/**
 * The profile's own script, or the one that its layout means for the machine.
 * @throws StackwrightError `LayoutDoesNotFit`, `LayoutInvalid`
 */
export function configureTextOf({ configure, layout }: ConfigureSource, machine: LayoutMachine): string {
  return layout ? renderLayout(layout, configure.path, machine) : configure.text;
}

export interface ConfigureScript {
  profile: string;
  /** The user's `.configure` file. */
  configureText: string;
  /** What the specs and the CMDB bound. */
  variables: Readonly<Record<string, Json>>;
}

/**
 * The answer of upload.py: a program for the ramdisk that defines `var` and eDeploy's functions
 * (`run`, `set_role`, `config`, `grub_options`, `inject_facts`) and goes on with the user's text,
 * unchanged. Python 3 with the modules of python3-minimal, or POSIX shell where the text begins
 * with `#!/bin/sh`. Paths are below `STACKWRIGHT_ROOT` where that is set.
 * @throws StackwrightError `ConfigureInvalid` for another language
 */
export function renderConfigureScript({ profile, configureText, variables }: ConfigureScript): string {
  const all = { ...variables, 'edeploy-profile': profile };
  return scriptLanguageOf(configureText, `${profile}.configure`) === 'python'
    ? `${pythonPrologue(all)}\n${configureText}`
    : `${shellPrologue(all, configureText)}\n${configureText}`;
}

/** A shell script that prints the reason and exits with 1. Nothing in the lines is run or escapes the terminal. */
export function renderRefusal(lines: readonly string[]): string {
  const words = lines
    .flatMap((line) => line.split('\n'))
    .map((line) => shellQuote(line.replaceAll(/\p{Cc}/gu, '?').slice(0, 2000)));
  return `#!/bin/sh\nprintf '%s\\n' \\\n  ${(words.length > 0 ? words : ["''"]).join(' \\\n  ')}\nexit 1\n`;
}

/** @throws StackwrightError `ConfigureInvalid` */
export function scriptLanguageOf(text: string, file: string): 'python' | 'shell' {
  const [, interpreter] = /^#!\s*(?:\S*\/env\s+)?(\S+)/.exec(text) ?? [];
  if (interpreter === undefined) return 'python';
  const program = interpreter.split('/').pop() ?? '';
  if (/^python[\d.]*$/.test(program)) return 'python';
  // The ramdisk has busybox's shell, which stumbles over bash's own syntax.
  if (/^(da|a)?sh$/.test(program)) return 'shell';
  throw new StackwrightError('ConfigureInvalid', `a configure script in ${program} cannot run in the ramdisk`, {
    file,
    line: 1,
    value: text.split('\n')[0] ?? '',
    hint: 'write it in Python or POSIX shell (#!/bin/sh)',
  });
}

function pythonPrologue(variables: Record<string, Json>): string {
  return `#!/usr/bin/env python3
# Made by Stackwright: what a configure script may use. The script itself follows.
import os
import re
import subprocess
import sys
import time

_root = os.environ.get('STACKWRIGHT_ROOT', '')
_grub_options = []


def run(cmd):
    'Runs a shell command; the installation ends with its status if it fails.'
    print('+ ' + cmd)
    sys.stdout.flush()
    status = subprocess.call(cmd, shell=True)
    if status < 0:
        status = 128 - status
    if status != 0:
        print("Command '%s' failed with status %d" % (cmd, status))
        sys.stdout.flush()
        sys.exit(status)


def _append_vars(name, value):
    with open(_root + '/vars', 'a') as output:
        output.write("%s='%s'\\n" % (name, str(value).replace("'", "'\\\\''")))


def set_role(role, version, disk):
    'Which role is installed on which disk.'
    _append_vars('ROLE', role)
    _append_vars('VERS', version)
    _append_vars('DISK', disk)
    _append_vars('PROFILE', var['edeploy-profile'])


def config(path, mode='w', basedir='/post_rsync', fmod=0o644, uid=0, gid=0):
    'Opens a file that is laid over the tree after the copy.'
    full = _root + basedir + '/' + path.lstrip('/')
    os.makedirs(os.path.dirname(full), exist_ok=True)
    output = open(full, mode)
    os.fchmod(output.fileno(), fmod)
    if os.geteuid() == 0:
        os.fchown(output.fileno(), uid, gid)
    return output


def grub_options(text):
    'Adds to the kernel command line of the installed system.'
    _grub_options.append(text)
    _append_vars('GRUB_OPTIONS', ' '.join(_grub_options))


def inject_facts(vars, prefix='hw_'):
    'Makes the variables facts of facter on the installed system.'
    with config('/etc/facter/facts.d/hw.txt') as output:
        for key in sorted(vars):
            value = re.sub(r'\\s*[\\r\\n]+\\s*', ' ', str(vars[key]))
            output.write('%s%s=%s\\n' % (prefix, re.sub(r'[\\s=]', '_', key), value))


var = ${formatPythonLiteral(variables)}

# ---- configure script ----`;
}

function shellPrologue(variables: Record<string, Json>, configureText: string): string {
  const named = Object.keys(variables)
    .sort()
    .map((key) => ({
      key,
      name: `var_${key.replaceAll(/[^A-Za-z0-9_]/g, '_')}`,
      text: plainText(variables[key] ?? null),
    }));
  const assignments = named.map(({ name, text }) => `${name}=${shellQuote(text)}`).join('\n');
  const facts = named
    .map(({ key, name }) => `    _fact "$1" ${shellQuote(key.replaceAll(/[\s=]/g, '_'))} "$${name}"`)
    .join('\n');
  const [shebang = '#!/bin/sh'] = configureText.split('\n');
  return `${shebang}
# Made by Stackwright: what a configure script may use. The script itself follows.
_root="\${STACKWRIGHT_ROOT:-}"
_grub_options=

${assignments}

# run COMMAND: runs a shell command; the installation ends with its status if it fails.
run() {
  printf '+ %s\\n' "$*"
  if [ $# -eq 1 ]; then sh -c "$1"; else "$@"; fi || {
    _status=$?
    printf "Command '%s' failed with status %d\\n" "$*" "$_status"
    exit "$_status"
  }
}

_append_vars() {
  printf "%s='%s'\\n" "$1" "$(printf '%s\\n' "$2" | sed "s/'/'\\\\\\\\''/g")" >>"$_root/vars"
}

# set_role ROLE VERSION DISK: which role is installed on which disk.
set_role() {
  _append_vars ROLE "$1"
  _append_vars VERS "$2"
  _append_vars DISK "$3"
  _append_vars PROFILE "$var_edeploy_profile"
}

# config PATH [w|a] [BASEDIR] [MODE] [UID] [GID] <CONTENT: a file that is laid over the tree after the copy.
config() {
  _file="$_root\${3:-/post_rsync}/\${1#/}"
  mkdir -p "\${_file%/*}"
  case "\${2:-w}" in a*) cat >>"$_file" ;; *) cat >"$_file" ;; esac
  chmod "\${4:-644}" "$_file"
  if [ "$(id -u)" = 0 ]; then chown "\${5:-0}:\${6:-0}" "$_file"; fi
}

# grub_options TEXT: adds to the kernel command line of the installed system.
grub_options() {
  _grub_options="\${_grub_options:+$_grub_options }$1"
  _append_vars GRUB_OPTIONS "$_grub_options"
}

_fact() { printf '%s%s=%s\\n' "$1" "$2" "$(printf '%s' "$3" | tr '\\r\\n' '  ')"; }

# inject_facts [PREFIX]: makes the variables facts of facter on the installed system.
inject_facts() {
  set -- "\${1:-hw_}"
  {
${facts}
  } | config /etc/facter/facts.d/hw.txt
}

# ---- configure script ----`;
}

/** A value as Python's `str()` writes it; None is empty. */
function plainText(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : formatPythonLiteral(value);
}
