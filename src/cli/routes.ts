import { answersRoutes } from './commands/answers.js';
import { cmdbRoutes } from './commands/cmdb.js';
import { completionRoutes } from './commands/completion.js';
import { configDriveRoutes } from './commands/config-drive.js';
import { cleanCommand, deployRoutes, unstackCommand } from './commands/deploy.js';
import { doctorCommand } from './commands/doctor.js';
import { firstbootRoutes } from './commands/firstboot.js';
import { hooksRoutes } from './commands/hooks.js';
import { imageRoutes } from './commands/image.js';
import { labRoutes } from './commands/lab.js';
import { netbootRoutes } from './commands/netboot.js';
import { nodeRoutes } from './commands/node.js';
import { profileRoutes } from './commands/profile.js';
import { quickstartCommand } from './commands/quickstart.js';
import { roleRoutes } from './commands/role.js';
import { serveCommand } from './commands/serve.js';
import { siteRoutes } from './commands/site.js';

/** Every command. A command's implementation is loaded only when it runs. */
export const routes = {
  quickstart: quickstartCommand,
  doctor: doctorCommand,
  image: imageRoutes,
  role: roleRoutes,
  netboot: netbootRoutes,
  lab: labRoutes,
  serve: serveCommand,
  site: siteRoutes,
  profile: profileRoutes,
  cmdb: cmdbRoutes,
  node: nodeRoutes,
  firstboot: firstbootRoutes,
  'config-drive': configDriveRoutes,
  answers: answersRoutes,
  deploy: deployRoutes,
  unstack: unstackCommand,
  clean: cleanCommand,
  hooks: hooksRoutes,
  completion: completionRoutes,
};
