export { machineDirectory, powerOffMachine, powerOnMachine } from './machine.js';
export { labDown, labUp } from './rack.js';
export { type Lab, type LabMachine, requireLab } from './record.js';
