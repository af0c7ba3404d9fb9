import type { DriveFiles } from './input.js';

/**
 * The texts of a drive's files.
 * @param openStack directory of a config drive, `…/openstack/latest`
 * @param noCloud root of a NoCloud drive
 * @param readIfThere gives undefined for a file that is not there
 */
export function readDrive(
  openStack: string | undefined,
  noCloud: string | undefined,
  readIfThere: (path: string) => string | undefined,
): DriveFiles | undefined {
  if (openStack !== undefined) {
    return {
      metaData: readIfThere(`${openStack}/meta_data.json`),
      networkData: readIfThere(`${openStack}/network_data.json`),
      networkInfo: readIfThere(`${openStack}/network_info.json`),
      vendorData: readIfThere(`${openStack}/vendor_data.json`),
    };
  }
  if (noCloud === undefined) return undefined;
  return {
    noCloud: {
      metaData: readIfThere(`${noCloud}/meta-data`),
      networkConfig: readIfThere(`${noCloud}/network-config`),
    },
  };
}
