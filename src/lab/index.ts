export { machineDirectory, powerOffMachine, powerOnMachine } from './machine.js';
export { labDown, labUp, requireLab } from './rack.js';
export { type Lab, type LabMachine, RACK, readLab } from './record.js';
