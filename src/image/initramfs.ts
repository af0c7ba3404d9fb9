import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../base/command.js';
import { gzipProgram } from '../base/host.js';
import { startShell } from './background.js';
import { exchangeInside } from './root.js';

/**
 * While packages are installed, each that touches the initramfs makes it anew: 7 to 20 s every time,
 * twice for a kernel. The builder holds these calls back and makes it once when the script that
 * installed them has ended, so no other script ever reads an old one. A call that does not come
 * from dpkg is not held back.
 */
const wanted = '/tmp/.initramfs-wanted';

/** What stands for update-initramfs(8) until `letGoProgram` has run. */
const standIn = `#!/bin/sh
case "\${DPKG_RUNNING_VERSION:+$1}" in
    -c | -u) echo "$*" >> ${wanted} ;;
    *) exec "$0.distrib" "$@" ;;
esac
`;

/** For a shell in the image; nothing happens where it is no Debian. */
export const holdProgram = `
[ -x /usr/bin/dpkg-divert ] || exit 0
for name in diversions diversions-old; do
    [ ! -e /var/lib/dpkg/$name ] || cp --preserve /var/lib/dpkg/$name /tmp/.$name
done
dpkg-divert --quiet --local --rename --add /usr/sbin/update-initramfs
cat > /usr/sbin/update-initramfs << 'END'
${standIn}END
chmod 0755 /usr/sbin/update-initramfs
`;

/** Leaves no trace in dpkg's list of diversions, nor in the copy that it keeps of the one before. */
export const letGoProgram = `
[ -x /usr/bin/dpkg-divert ] || exit 0
before=$(sed '/^\\/usr\\/sbin\\/update-initramfs$/,+2d' /var/lib/dpkg/diversions-old; echo .)
rm -f /usr/sbin/update-initramfs
dpkg-divert --quiet --local --rename --remove /usr/sbin/update-initramfs
if [ ! -e /tmp/.diversions ] || ! cmp --silent /var/lib/dpkg/diversions /tmp/.diversions; then
    printf %s "\${before%.}" > /var/lib/dpkg/diversions-old
elif [ -e /tmp/.diversions-old ]; then
    mv /tmp/.diversions-old /var/lib/dpkg/diversions-old
else
    rm -f /var/lib/dpkg/diversions-old
fi
rm -f /tmp/.diversions /tmp/.diversions-old
`;

/**
 * mkinitramfs(8) asks readlink(1), realpath(1) and mkdir(1) about every module, 10 000 times and nearly
 * always about a path without a link in it, in a directory that is there. Its shell sees that without
 * a program: a third of its time less. It reads this file beside what packages bring, and does not copy
 * it into the initramfs as it does conf.d.
 */
export const quickPaths = `
stackwright_plain() {
    case $1 in
        *//* | */./* | */../* | */. | */.. | */) return 1 ;;
        /*) ;;
        *) return 1 ;;
    esac
}
stackwright_unlinked() {
    stackwright_plain "$1" && [ -e "$1" ] || return 1
    stackwright_rest=$1
    while [ "$stackwright_rest" ]; do
        [ ! -L "$stackwright_rest" ] || return 1
        stackwright_rest=\${stackwright_rest%/*}
    done
}
readlink() {
    if [ "$*" = '-f /bin' ] && [ /bin -ef /usr/bin ] && stackwright_unlinked /usr/bin; then
        echo /usr/bin
    elif [ "$#" = 2 ] && [ "$1" = -f ] && stackwright_unlinked "$2"; then
        printf '%s\\n' "$2"
    else
        command readlink "$@"
    fi
}
realpath() {
    if [ "$#" = 2 ] && [ "$1" = -ms ] && stackwright_plain "\${2#/}"; then
        printf '%s\\n' "\${2#/}"
    elif [ "$#" = 2 ] && [ "$1" = -s ] && [ -e "$2" ] && stackwright_plain "$2"; then
        printf '%s\\n' "$2"
    else
        command realpath "$@"
    fi
}
mkdir() {
    [ "$#" = 2 ] && [ "$1" = -p ] && [ -d "$2" ] && [ "\${2#/}" != "$2" ] || command mkdir "$@"
}
`;

const pipes = ['gzip.in', 'gzip.out', 'gzip.status'];

/**
 * An image without zstd has its initramfs packed by gzip, on one processor, and by pigz where mkinitramfs(8) finds that.
 * It finds this function, which has the work done by the pigz of the build host.
 */
export const hostPigz = `
pigz() {
    if [ "$#" != 2 ] || [ "$1" != -c ]; then
        gzip "$@"
        return
    fi
    cat "$2" > ${exchangeInside}/gzip.in &
    cat ${exchangeInside}/gzip.out
    read -r stackwright_status < ${exchangeInside}/gzip.status
    return "$stackwright_status"
}
`;

const servePigz = `
cd "$1"
while :; do
    status=0
    pigz --no-name < gzip.in > gzip.out || status=$?
    echo $status > gzip.status
done
`;

/**
 * Packs what `hostPigz` hands over, until it is disposed of. Undefined where the build host has no pigz.
 * @param exchange the directory of the host that the image sees at `exchangeInside`
 */
export async function packForImage(exchange: string): Promise<AsyncDisposable | undefined> {
  if (gzipProgram() !== 'pigz') return undefined;
  const paths = pipes.map((name) => join(exchange, name));
  await run('mkfifo', paths);
  const serving = startShell(servePigz, [exchange]);
  return {
    async [Symbol.asyncDispose]() {
      await serving[Symbol.asyncDispose]();
      for (const path of paths) await rm(path, { force: true });
    },
  };
}

/**
 * Makes what was asked for. A new one needs no update; a package that was removed since needs none at all.
 * @param functions of the shell, which mkinitramfs(8) reads before its own
 */
export const makeProgram = (functions: string) => `
sort -u ${wanted} > ${wanted}.sorted
rm ${wanted}
grep --quiet '^-c' ${wanted}.sorted && only='^-c' || only='^-u'
grep -e "$only" ${wanted}.sorted > ${wanted}.calls || true
rm ${wanted}.sorted
quick=/usr/share/initramfs-tools/conf-hooks.d/zz-stackwright
[ ! -d "\${quick%/*}" ] || cat > $quick << 'END'
${functions}END
while read -r words; do
    if [ -x /usr/sbin/update-initramfs.distrib ]; then
        # Words of update-initramfs, not ours to quote.
        /usr/sbin/update-initramfs.distrib $words < /dev/null
    fi
done < ${wanted}.calls
rm -f ${wanted}.calls $quick
`;

/** Whether a script has installed something that asks for an initramfs. */
export function initramfsWanted(root: string): boolean {
  return existsSync(join(root, wanted));
}
