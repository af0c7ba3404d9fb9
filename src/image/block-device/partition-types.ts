import type { PartitionNode } from './nodes.js';

/**
 * Types of partitions in a GPT by the codes of sgdisk (gdisk's `parttypes.cc`), which
 * diskimage-builder's configurations use.
 */
const gptTypes: Record<string, string> = {
  '0700': 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  '4100': '9E1A2D38-C612-4316-AA26-8B49521E5A8B',
  '8200': '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F',
  '8300': '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  '8302': '933AC7E1-2EB4-4F13-B844-0E14E2AEF915',
  '8303': '44479540-F297-41B2-9AF7-D131D5F0458A',
  '8304': '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  '8305': 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
  '8307': '69DAD710-2CE4-4E3C-B16C-21A1D49ABED3',
  '8E00': 'E6D6D379-F507-44C2-A23C-238F2A3DF928',
  EA00: 'BC13C2FF-59E6-4262-A352-B275FD6F7172',
  EF00: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  EF02: '21686148-6449-6E6F-744E-656564454649',
  FD00: 'A19D880F-05FC-4D3B-A006-743F0F84911E',
};

/**
 * The type of a partition as sfdisk writes it: in an MBR a byte in hexadecimal, in a GPT a GUID.
 * Undefined where the type is unknown.
 */
export function partitionType({ label, type }: PartitionNode): string | undefined {
  return label === 'mbr' ? mbrType(type) : gptType(type);
}

export function isEfiSystemPartition(node: PartitionNode): boolean {
  return ['ef', gptTypes.EF00].includes(partitionType(node));
}

function gptType(text: string): string | undefined {
  const word = text.toUpperCase().replace(/^0X/, '');
  return /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/.test(word) ? word : gptTypes[word];
}

function mbrType(text: string): string | undefined {
  const match = /^(?:0x)?([0-9a-f]{1,2})$/i.exec(text);
  const value = Number.parseInt(match?.[1] ?? '', 16);
  return value > 0 ? value.toString(16) : undefined;
}
