import { doctorCommand } from './commands/doctor.js';

/** Every command. A command's implementation is loaded only when it runs. */
export const routes = {
  doctor: doctorCommand,
};
