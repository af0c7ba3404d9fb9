export { machineDirectory, powerOffMachine, powerOnMachine } from './machine.js';
export { labDown, labUp, requireLab } from './rack.js';
export type { Lab, LabMachine } from './record.js';
