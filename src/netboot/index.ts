export { type NetbootNetwork, renderDnsmasqConfiguration } from './dnsmasq.js';
export {
  type RamdiskParameters,
  renderIpxeBoot,
  renderIpxeEntry,
  renderIpxeLocal,
  renderIpxeRefusal,
} from './ipxe.js';
export { ensureRamdisk, type Ramdisk } from './ramdisk.js';
