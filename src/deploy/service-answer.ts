import { StackwrightError } from '../base/errors.js';
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
 * bash is on every Debian, a client is not. A service that has just been started may need some seconds: it is asked
 * again for two minutes. Prints the first line of the HTTP answer, or `connected`.
 */
const askScript = `until=$((SECONDS + 120))
while [ $SECONDS -lt $until ]; do
  if exec 3<> "/dev/tcp/$1/$2"; then
    [ -n "$3" ] || { echo connected; exit 0; }
    printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' "$3" "$1" >&3
    line=$(timeout 60 head -n 1 <&3)
    case $line in HTTP/1.?\\ [1-4]*) echo "$line"; exit 0 ;; esac
    exec 3>&-
  fi 2> /dev/null
  sleep 2
done
exit 1
`;

async function seeAnswer(context: DeployContext, { service, host, port, path = '' }: ServicePort): Promise<undefined> {
  const { address } = context.facts(host);
  const place = `${address}:${port}${path}`;
  const words = ['bash', '-c', askScript, 'bash', address, String(port), path];
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
