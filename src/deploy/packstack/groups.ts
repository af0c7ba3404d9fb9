/** A group of packstack's parameters, and why none of them has an effect here where no plugin declares it. */
export interface PackstackGroup {
  group: string;
  /** Ends the sentence "NAME is not supported: …". */
  why: string;
  /** A line for each: the name, then the option of the command line without dashes. */
  parameters: string;
}

export const noPlugin = (service: string) => `no plugin installs ${service}`;
export const vendorStorage = 'storage systems of vendors are not set up';
export const redHat = 'it subscribes Red Hat hosts, and Debian needs no subscription';
export const tempest = 'no plugin sets tempest up';
