import { networkInterfaces } from 'node:os';

/** An IPv4 address of this machine that others may reach, else the loopback's. */
export function localAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find((one) => !one.internal && one.family === 'IPv4')?.address ?? '127.0.0.1';
}
