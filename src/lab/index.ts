export { powerOffMachine, powerOnMachine } from './machine.js';
export { type LabPower, labPower } from './power.js';
export { labDown, labUp } from './rack.js';
export { type Lab, type LabMachine, machineDirectory, requireLab } from './record.js';
