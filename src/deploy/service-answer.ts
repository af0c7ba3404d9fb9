import { StackwrightError } from '../base/errors.js';
import { HOST_CERTIFICATES } from './declare.js';
import type { DeployEvent } from './events.js';
import type { DeployContext, Sequence } from './plugin.js';

/** Where a service is to answer. */
export interface ServicePort {
  /** Its name in messages and steps, and that of its unit in systemd. */
  service: string;
  host: string;
  port: number;
  /** A path of its HTTP interface; without it a connection is enough. */
  path?: string;
  /** It speaks TLS, with a certificate of the authority of `HOST_CERTIFICATES`. */
  tls?: boolean;
  /** Its certificate is of another authority, and is not looked at. */
  foreignCertificate?: boolean;
}

/** Steps that see, on the hosts themselves, whether services answer. */
export function answerSequence(title: string, ports: ServicePort[]): Sequence {
  return {
    title,
    steps: ports.map((port) => ({
      id: `${port.service}.answers@${port.host}`,
      title: `see whether ${port.service} answers`,
      host: port.host,
      work: (context: DeployContext) => seeAnswer(context, port),
    })),
  };
}

/**
 * bash is on every Debian, a client is not; openssl is wherever there is a service that speaks TLS. A service that has
 * just been started may need some seconds: it is asked again for two minutes. Prints the first line of the HTTP answer,
 * or `connected`. The words: address, port, path, then options of openssl where it is TLS.
 */
const askScript = `until=$((SECONDS + 120)) address=$1 port=$2 path=$3
shift 3
place=$address
case $address in *:*) place="[$address]" ;; esac
ask() {
  printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' "$path" "$place"
}
answer() {
  if [ $# -gt 0 ]; then
    ask | timeout 60 openssl s_client -quiet -connect "$place:$port" "$@" | head -n 1
  elif exec 3<> "/dev/tcp/$address/$port"; then
    [ -n "$path" ] || { echo connected; return; }
    ask >&3
    timeout 60 head -n 1 <&3
  fi
}
while [ $SECONDS -lt $until ]; do
  line=$(answer "$@" 2> /dev/null)
  case $line in connected|HTTP/1.?\\ [1-4]*) echo "$line"; exit 0 ;; esac
  sleep 2
done
exit 1
`;

/** Units of systemd on a host, of services that nobody can ask. */
export interface HostUnits {
  host: string;
  units: string[];
}

/** Steps that see whether units run, and have not just begun to: some end after half a minute, and with status 0. */
export function runningSequence(service: string, running: HostUnits[]): Sequence {
  return {
    title: `${service} runs`,
    steps: running.map(({ host, units }) => ({
      id: `${service}.runs@${host}`,
      title: `see whether ${units.join(', ')} run`,
      host,
      work: (context: DeployContext) => seeRunning(context, host, units),
    })),
  };
}

/** Prints the units that do not run. */
const runningScript = `until=$((SECONDS + 120))
silent=$*
while [ -n "$silent" ] && [ $SECONDS -lt $until ]; do
  waiting=
  for unit in $silent; do
    began=$(systemctl show --property=ActiveEnterTimestampMonotonic --value "$unit")
    uptime=$(cut -d . -f 1 /proc/uptime)
    systemctl --quiet is-active "$unit" && [ $((uptime - began / 1000000)) -ge 30 ] || waiting="$waiting $unit"
  done
  silent=$waiting
  [ -z "$silent" ] || sleep 2
done
echo $silent
`;

async function seeRunning(context: DeployContext, host: string, units: string[]): Promise<undefined> {
  const { ssh, logFile } = context;
  const words = ['bash', '-c', runningScript, 'bash', ...units];
  const { stdout } = await ssh.run(context.reach(host), words, { timeout: 300, logFile });
  const silent = stdout.trim();
  if (silent === '') return;
  throw new StackwrightError('ServiceSilent', `${silent} on ${host}: not running, or not for long`, {
    value: host,
    hint: silent
      .split(' ')
      .map((unit) => `on ${host}: systemctl status ${unit}; journalctl -u ${unit}`)
      .join('\n'),
  });
}

async function seeAnswer(context: DeployContext, asked: ServicePort): Promise<undefined> {
  const { service, host, port, path = '', tls, foreignCertificate } = asked;
  const { address } = context.facts(host);
  const place = `${address}:${port}${path}`;
  const verified = ['-verify_return_error', '-CAfile', `${HOST_CERTIFICATES}/ca.crt`, '-verify_ip', address];
  const options = tls ? ['-verify_quiet', ...(foreignCertificate ? [] : verified)] : [];
  const words = ['bash', '-c', askScript, 'bash', address, String(port), path, ...options];
  const { ssh, logFile, reporter } = context;
  const { stdout, status } = await ssh.run(context.reach(host), words, { timeout: 300, okStatuses: [0, 1], logFile });
  if (status !== 0) {
    throw new StackwrightError('ServiceSilent', `${service} does not answer at ${place} on ${host}`, {
      value: host,
      hint: `on ${host}: systemctl status ${service}; journalctl -u ${service}`,
    });
  }
  const detail = stdout.trim();
  const event: DeployEvent = {
    code: 'deploy.service.answered',
    level: 'info',
    message: `${host}: ${service} answers at ${place}: ${detail}`,
    data: { host, service, detail },
  };
  reporter.report(event);
}
