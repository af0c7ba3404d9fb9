import { writeFileAtomic } from '../../base/files.js';
import {
  buildMedia,
  ensureRamdisk,
  parseNetwork,
  parseRamdiskOptions,
  parseServer,
  prepareTftp,
  renderDnsmasqConfiguration,
} from '../../netboot/index.js';
import { type CliContext, command } from '../context.js';
import type { NetbootBuildFlags, NetbootDnsmasqFlags, NetbootMediaFlags } from './netboot.js';

export async function netbootBuild(this: CliContext, flags: NetbootBuildFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const state = await this.openState(reporter);
    const ramdisk = await ensureRamdisk({
      state,
      reporter,
      kernelPackage: flags.kernelPackage,
      rebuild: flags.rebuild,
    });
    if (flags.json) this.printJson(ramdisk);
  });
}

export async function netbootMedia(this: CliContext, flags: NetbootMediaFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter(flags);
    const { section, output, kernelLine: targetKernelLine } = flags;
    const { server, httpPort } = parseServer(flags.server);
    const options = parseRamdiskOptions(flags.option ?? []);
    const state = await this.openState(reporter);
    const ramdisk = await ensureRamdisk({ state, reporter });
    const parameters = { server, httpPort, section, options, targetKernelLine };
    await buildMedia({ state, reporter, ramdisk, output, parameters });
    if (flags.json) this.printJson({ output });
  });
}

export async function netbootDnsmasq(this: CliContext, flags: NetbootDnsmasqFlags): Promise<void> {
  await command(this, flags.json, async () => {
    const { interface: interfaces, address, port: httpPort, section, output } = flags;
    const networks = flags.network.map(parseNetwork);
    const state = await this.openState(this.reporter(flags));
    const tftpRoot = state.path('netboot', 'tftp');
    const leaseFile = state.path('netboot', 'dnsmasq.leases');
    const pidFile = state.path('netboot', 'dnsmasq.pid');
    const files = { tftpRoot, leaseFile, pidFile };
    const text = renderDnsmasqConfiguration({ interfaces, address, httpPort, networks, section, ...files });
    await prepareTftp(tftpRoot);
    if (output !== undefined) await writeFileAtomic(output, text);
    if (flags.json) this.printJson({ ...files, configuration: text });
    else if (output === undefined) this.print(text.trimEnd());
  });
}
