export type PowerStatus = 'on' | 'off';

/** What a machine starts from next, once. */
export type BootDevice = 'pxe' | 'disk';

/** Whatever can switch a machine: a BMC by IPMI or Redfish, or the rack of virtual machines. */
export interface PowerDriver {
  /** For messages, e.g. `ipmi 10.0.0.201`. */
  name: string;
  status(): Promise<PowerStatus>;
  on(): Promise<void>;
  /** At once, as pulling the plug. */
  off(): Promise<void>;
  /** For the next start only. */
  bootFrom(device: BootDevice): Promise<void>;
}
