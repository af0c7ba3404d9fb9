export { parseNetwork, parseServer, renderDnsmasqConfiguration } from './dnsmasq.js';
export {
  parseRamdiskOptions,
  type RamdiskParameters,
  renderIpxeBoot,
  renderIpxeEntry,
  renderIpxeLocal,
  renderIpxeRefusal,
} from './ipxe.js';
export { buildMedia } from './media.js';
export { ensureRamdisk, type Ramdisk } from './ramdisk.js';
export { prepareTftp } from './tftp.js';
